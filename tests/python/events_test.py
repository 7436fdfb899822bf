"""`export-events` as TensorBoard's own reader sees it, beside load().

    events_test.py SFTBENCH
"""

import pathlib
import tempfile

import support

support.forget_skips()
support.run_again_with("events", "tensorboard", "h5py", "pandas")

from tensorboard.backend.event_processing import (  # noqa: E402
    event_accumulator)

import sftbench  # noqa: E402


def main():
    store = support.REFERENCE / "sst2.h5"
    sweep = sftbench.load(store, items=False)
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "events"
        for _ in range(2):  # the second gives way to the first
            support.program("export-events", store, "--out", out)
        folders = sorted(out.iterdir())
        assert len(folders) == len(sweep.runs)
        for folder in folders:
            run_id = folder.name.rpartition(".")[2]
            read = event_accumulator.EventAccumulator(
                str(folder), size_guidance={"scalars": 0})
            read.Reload()
            tags = read.Tags()["scalars"]
            curve = sweep.curves[sweep.curves["run_id"] == run_id]
            if len(curve) == 0:
                assert "train/loss" not in tags
            else:
                for tag, column in (("train/loss", "loss"),
                                    ("train/learning_rate", "learning_rate"),
                                    ("train/grad_norm", "grad_norm")):
                    events = read.Scalars(tag)
                    assert [e.step for e in events] == list(curve["step"])
                    for event, value in zip(events, curve[column]):
                        assert abs(event.value - value) <= 1e-6 * abs(value)
                times = [e.wall_time for e in read.Scalars("train/loss")]
                assert times == sorted(times) and times[0] > 1e9
            scores = sweep.scores[sweep.scores["run_id"] == run_id]
            assert len(scores) > 0
            for _, score in scores.iterrows():
                tag = "/".join(["eval", score["task"], score["split"],
                                score["metric"]])
                last = read.Scalars(tag)[-1]
                assert abs(last.value - score["value"]) <= 1e-6 * abs(
                    score["value"])
                assert last.step == (curve["step"].max() if len(curve) else 0)
    print("ok")


if __name__ == "__main__":
    main()

#include "harness/page/event_file.h"

#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/record/merge.h"
#include "harness/record/run_store.h"

namespace sft::page {
namespace {

constexpr char kEventsName[] = "events.out.tfevents.0.sftbench";

std::array<uint32_t, 256> MakeCrcTable() {
  constexpr uint32_t kCastagnoli = 0x82f63b78;  // reversed
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    }
    table[i] = crc;
  }
  return table;
}

template <class T>
void AppendRaw(T value, std::string& out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));  // little-endian, as all we run on
  out.append(bytes, sizeof(T));
}

// Of protobuf's wire format: a number in groups of seven bits, and fields.
void AppendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) {
    out += static_cast<char>(value | 0x80);
  }
  out += static_cast<char>(value);
}
enum WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
void AppendTag(int field, WireType type, std::string& out) {
  AppendVarint(static_cast<uint64_t>(field) << 3 | type, out);
}
void AppendBytes(int field, std::string_view bytes, std::string& out) {
  AppendTag(field, kBytes, out);
  AppendVarint(bytes.size(), out);
  out += bytes;
}
std::string EventAt(double wall_time) {
  std::string event;
  AppendTag(1, kFixed64, event);
  AppendRaw(wall_time, event);
  return event;
}

// Seconds since 1970; 0 where the record does not say.
double StartOf(const record::RunRecord& record) {
  const auto start = record.provenance_run.find("start");
  absl::Time time;
  if (start == record.provenance_run.end() ||
      !absl::ParseTime(absl::RFC3339_full, start->second, &time, nullptr)) {
    return 0;
  }
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

// What a folder and TensorBoard's list of runs can be called.
std::string FolderOfRun(const record::RunRecord& record) {
  std::string name =
      absl::StrCat(record.config.method, ".", record.config.batching, ".seed",
                   record.config.seed, ".", record.run_id);
  for (char& c : name) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (!is_plain && c != '.' && c != '_' && c != '-') c = '_';
  }
  return name;
}

}  // namespace

uint32_t Crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = MakeCrcTable();
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) {
    crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return ~crc;
}

uint32_t MaskedCrc32c(std::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

EventFile::EventFile(double wall_time) {
  std::string event = EventAt(wall_time);
  AppendBytes(3, "brain.Event:2", event);
  AddEvent(event);
}

void EventFile::AddScalar(double wall_time, int64_t step,
                          const std::string& tag, double value) {
  std::string scalar;
  AppendBytes(1, CleanUtf8(tag), scalar);
  AppendTag(2, kFixed32, scalar);
  AppendRaw(static_cast<float>(value), scalar);
  std::string summary;
  AppendBytes(1, scalar, summary);
  std::string event = EventAt(wall_time);
  AppendTag(2, kVarint, event);
  AppendVarint(static_cast<uint64_t>(step), event);
  AppendBytes(5, summary, event);
  AddEvent(event);
}

void EventFile::AddEvent(const std::string& message) {
  std::string length;
  AppendRaw(static_cast<uint64_t>(message.size()), length);
  bytes_ += length;
  AppendRaw(MaskedCrc32c(length), bytes_);
  bytes_ += message;
  AppendRaw(MaskedCrc32c(message), bytes_);
}

std::string EventsOfRun(const record::RunRecord& record) {
  double now = StartOf(record);
  EventFile file(now);
  std::map<int64_t, int64_t> ends;  // the last step of each round
  for (const StepRecord& step : record.steps) {
    now += step.wall_seconds;
    file.AddScalar(now, step.step, "train/loss", step.loss);
    file.AddScalar(now, step.step, "train/learning_rate", step.learning_rate);
    file.AddScalar(now, step.step, "train/grad_norm", step.grad_norm);
    if (step.wall_seconds > 0) {
      file.AddScalar(now, step.step, "train/real_tokens_per_second",
                     static_cast<double>(step.real_tokens) / step.wall_seconds);
    }
    ends[step.round + 1] = step.step;
  }
  for (const EvalRecord& eval : record.evals) {
    // A way through the weights is no course of time.
    if (eval.split == "rewind") continue;
    // A point is a step of its round, which begins where the one before ended.
    const bool is_point = eval.point != 0;
    const auto end = ends.find(is_point ? eval.round - 1 : eval.round);
    const int64_t step = (end == ends.end() ? 0 : end->second) +
                         static_cast<int64_t>(eval.point);
    for (const MetricRecord& metric : eval.metrics) {
      file.AddScalar(
          now, step,
          absl::StrCat("eval/", eval.task, "/", eval.split, "/", metric.name),
          metric.value);
    }
  }
  return file.bytes();
}

absl::StatusOr<size_t> ExportEvents(const std::string& records,
                                    const std::string& out) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                       record::ListRecordFiles(records));
  absl::Status status = absl::OkStatus();
  size_t runs = 0;
  record::ForEachRecord(
      files, [&](const std::string&, absl::StatusOr<record::NamedRecord> read) {
        if (!status.ok()) return;
        if (!read.ok()) {
          status = read.status();
          return;
        }
        const record::RecordName name = record::ParseRecordName(read->name);
        if (name.rung > 0) return;
        const std::string folder = absl::StrCat(
            out, "/", FolderOfRun(read->record),
            name.attempt > 0 ? absl::StrCat(".attempt", name.attempt)
                             : std::string());
        status = MakeFolders(folder);
        if (!status.ok()) return;
        status = WriteFileAtomically(absl::StrCat(folder, "/", kEventsName),
                                     EventsOfRun(read->record));
        ++runs;
      });
  SFT_RETURN_IF_ERROR(status);
  if (runs == 0) return InputError(records, "holds no record");
  return runs;
}

}  // namespace sft::page

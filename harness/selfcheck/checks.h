// The checks, a file each.
#ifndef HARNESS_SELFCHECK_CHECKS_H_
#define HARNESS_SELFCHECK_CHECKS_H_

#include "harness/selfcheck/check.h"

namespace sft::selfcheck {

Check TokensRoundTrip();
Check BeginsOnce();
Check ChatEqualsTemplate();
Check LabelsInPlace();
Check StopTokenBearsLoss();
Check AccumulationIsOneBatch();
Check PackingChangesNothing();
Check ResumedIsUninterrupted();
Check FrozenIsFrozen();
Check MergingChangesNothing();
Check ExportsReadBack();
Check EvaluationIgnoresBatches();
Check GenerationIsWholePasses();

}  // namespace sft::selfcheck

#endif  // HARNESS_SELFCHECK_CHECKS_H_

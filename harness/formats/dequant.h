// How numbers are stored in weight files: one table row a type, with the
// functions that turn whole blocks into f32 and back. Layouts: ggml's block_q*;
// values and bytes equal the Python package `gguf` bit for bit. A new type is a
// new row.
#ifndef HARNESS_FORMATS_DEQUANT_H_
#define HARNESS_FORMATS_DEQUANT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sft::formats {

struct StorageType {
  std::string_view name;              // "q4_1"
  int64_t ggml_id;                    // id in GGUF
  std::string_view safetensors_name;  // "F32"; "" if the format lacks it
  int64_t block_elements;
  int64_t block_bytes;
  // `source` need not be aligned.
  void (*to_float)(const uint8_t* source, int64_t blocks, float* out);
  // Only where f32 would lose digits.
  void (*to_double)(const uint8_t* source, int64_t blocks, double* out);
  // nullptr: is read, and never written.
  void (*from_float)(const float* in, int64_t blocks, uint8_t* out);
};

// nullptr if not in the table.
const StorageType* FindGgmlType(uint64_t ggml_id);
const StorageType* FindSafetensorsType(std::string_view name);
// Of those that can be written.
const StorageType* FindWritableType(std::string_view name);
std::vector<std::string> WritableTypes();
// "q4_k" for a type that ggml has and the table lacks, else "type 99".
std::string GgmlTypeName(uint64_t ggml_id);
// "f32, f16, ...": what can be read.
std::string ReadableTypes();

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_DEQUANT_H_

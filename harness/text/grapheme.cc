#include "harness/text/grapheme.h"

#include <unicode/uchar.h>

#include "harness/core/utf8.h"

namespace sft::text {
namespace {

int32_t BreakClass(char32_t c) {
  return u_getIntPropertyValue(static_cast<UChar32>(c),
                               UCHAR_GRAPHEME_CLUSTER_BREAK);
}

bool IsPictograph(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c),
                             UCHAR_EXTENDED_PICTOGRAPHIC) != 0;
}

// What a cluster's beginning says about its next character.
struct Cluster {
  int32_t last;             // class of the last character
  bool pictograph = false;  // a pictograph and what extends it
  int regional = 0;         // indicators at its end

  // Rules GB3 to GB13. GB9c joins only what is longer than anybody asks here.
  bool Takes(char32_t c, int32_t next) const {
    if (last == U_GCB_CR) return next == U_GCB_LF;
    if (last == U_GCB_LF || last == U_GCB_CONTROL) return false;
    if (next == U_GCB_CR || next == U_GCB_LF || next == U_GCB_CONTROL) {
      return false;
    }
    const bool leads = last == U_GCB_L;
    if (leads && (next == U_GCB_L || next == U_GCB_V || next == U_GCB_LV ||
                  next == U_GCB_LVT)) {
      return true;
    }
    if ((last == U_GCB_LV || last == U_GCB_V) &&
        (next == U_GCB_V || next == U_GCB_T)) {
      return true;
    }
    if ((last == U_GCB_LVT || last == U_GCB_T) && next == U_GCB_T) return true;
    if (next == U_GCB_EXTEND || next == U_GCB_ZWJ ||
        next == U_GCB_SPACING_MARK || last == U_GCB_PREPEND) {
      return true;
    }
    if (pictograph && last == U_GCB_ZWJ && IsPictograph(c)) return true;
    return next == U_GCB_REGIONAL_INDICATOR && regional % 2 == 1;
  }
};

}  // namespace

size_t GraphemeBytes(std::string_view text, size_t enough) {
  const Utf8Char first = DecodeUtf8At(text, 0);
  size_t size = first.size_bytes;
  Cluster cluster{BreakClass(first.code_point)};
  cluster.pictograph = IsPictograph(first.code_point);
  cluster.regional = cluster.last == U_GCB_REGIONAL_INDICATOR ? 1 : 0;
  while (size < text.size() && size <= enough) {
    const Utf8Char c = DecodeUtf8At(text, size);
    const int32_t next = BreakClass(c.code_point);
    if (!cluster.Takes(c.code_point, next)) break;
    if (next != U_GCB_EXTEND && next != U_GCB_ZWJ) {
      cluster.pictograph = IsPictograph(c.code_point);
    }
    cluster.regional =
        next == U_GCB_REGIONAL_INDICATOR ? cluster.regional + 1 : 0;
    cluster.last = next;
    size += c.size_bytes;
  }
  return size;
}

}  // namespace sft::text

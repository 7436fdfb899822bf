// The report as one page of HTML that asks for nothing: verdicts, pictures,
// tables, runs. What it shows stands in page.html, page.css and the scripts
// beside them, which the build embeds.
#ifndef HARNESS_PAGE_PAGE_H_
#define HARNESS_PAGE_PAGE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/page/picture.h"

namespace sft::page {

std::string RenderPage(const PictureInput& input);

// Of the embedded template: each "{{name}}" gives way to a value, once; values
// are not looked through again.
struct Placeholder {
  std::string_view name;
  std::string value;
};
std::string FillTemplate(std::string_view text,
                         const std::vector<Placeholder>& values);
// JSON that may stand in a script element, whatever its strings hold.
std::string JsonForScript(const nlohmann::ordered_json& json);

}  // namespace sft::page

#endif  // HARNESS_PAGE_PAGE_H_

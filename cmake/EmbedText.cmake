# cmake -DOUTPUT=FILE -DNAMESPACE=NAME -DFILES='a|b' -P EmbedText.cmake
# A header with each file's text as a constant: page.html is kPageHtml.
set(_text "// Made by cmake/EmbedText.cmake.\n#pragma once\n\n")
string(APPEND _text "#include <string_view>\n\nnamespace ${NAMESPACE} {\n\n")
string(REPLACE "|" ";" FILES "${FILES}")
foreach(_file IN LISTS FILES)
  get_filename_component(_name "${_file}" NAME)
  string(REGEX MATCHALL "[A-Za-z]+" _words "${_name}")
  set(_constant "k")
  foreach(_word IN LISTS _words)
    string(SUBSTRING "${_word}" 0 1 _first)
    string(SUBSTRING "${_word}" 1 -1 _rest)
    string(TOUPPER "${_first}" _first)
    string(APPEND _constant "${_first}${_rest}")
  endforeach()
  # As bytes: CMake's lists would take ; and [ apart, and compilers have limits
  # on how long a literal is.
  file(READ "${_file}" _hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," _bytes "${_hex}")
  string(REGEX REPLACE "(('[^']*',){12})" "\\1\n    " _bytes "${_bytes}")
  string(APPEND _text "inline constexpr char ${_constant}Bytes[] = {\n"
    "    ${_bytes}'\\0'};\n"
    "inline constexpr std::string_view ${_constant}(\n"
    "    ${_constant}Bytes, sizeof(${_constant}Bytes) - 1);\n\n")
endforeach()
string(APPEND _text "}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUTPUT}" "${_text}")

# Modules, with the include rules of harness/DESIGN.md enforced by the compiler.
#
# The repository root is on nobody's include path. Each module has an include
# root of its own, <build>/include/<name>/, that holds a symbolic link to the
# module's folder and nothing else; only who lists the module in DEPS (directly
# or through another module) finds its headers.

# Reading the headers of LibTorch and Catch2 costs more than compiling what a
# source adds: from nothing, eight at a time take half as long.
option(SFT_UNITY "Compile up to eight sources of a folder as one" ON)
set(CMAKE_UNITY_BUILD ${SFT_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)

# sft_include_root(<target> <visibility> <name> <path>)
# Gives `target` an include root that shows only `path` (a folder or a header).
function(sft_include_root target visibility name path)
  set(_root "${PROJECT_BINARY_DIR}/include/${name}")
  get_filename_component(_parent "${_root}/${path}" DIRECTORY)
  file(MAKE_DIRECTORY "${_parent}")
  set(_is "")
  if(IS_SYMLINK "${_root}/${path}")
    file(READ_SYMLINK "${_root}/${path}" _is)
  endif()
  if(NOT _is STREQUAL "${PROJECT_SOURCE_DIR}/${path}")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${path}" "${_root}/${path}" SYMBOLIC)
  endif()
  target_include_directories(${target} ${visibility} "${_root}")
endfunction()

# sft_module(<name> <dir> [TORCH]
#            [DEPS modules...] [LIBS libraries...]
#            [ONLY files...] [EXCLUDE regexes...])
# Makes the static library sft_<name> of the .cc files under <dir>, or an
# interface library while there are none. ONLY: just these files; EXCLUDE: not
# the files whose path relative to <dir> matches one of the regexes.
function(sft_module name dir)
  cmake_parse_arguments(ARG "TORCH" "" "DEPS;LIBS;ONLY;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE _found CONFIGURE_DEPENDS
    RELATIVE "${PROJECT_SOURCE_DIR}/${dir}" "${PROJECT_SOURCE_DIR}/${dir}/*.cc")
  set(_sources "")
  foreach(_file IN LISTS _found)
    set(_take TRUE)
    if(ARG_ONLY AND NOT _file IN_LIST ARG_ONLY)
      set(_take FALSE)
    endif()
    foreach(_regex IN LISTS ARG_EXCLUDE)
      if(_file MATCHES "${_regex}")
        set(_take FALSE)
      endif()
    endforeach()
    if(_take)
      list(APPEND _sources "${PROJECT_SOURCE_DIR}/${dir}/${_file}")
    endif()
  endforeach()

  if(_sources)
    add_library(sft_${name} STATIC ${_sources})
    set(_visibility PUBLIC)
  else()
    add_library(sft_${name} INTERFACE)
    set(_visibility INTERFACE)
  endif()
  sft_include_root(sft_${name} ${_visibility} ${name} ${dir})
  list(TRANSFORM ARG_DEPS PREPEND "sft_")
  target_link_libraries(sft_${name} ${_visibility} ${ARG_DEPS} ${ARG_LIBS})
  if(ARG_TORCH)
    target_link_libraries(sft_${name} ${_visibility} sft::torch)
    if(_sources)
      sft_precompile_torch(sft_${name})
    endif()
  endif()
endfunction()

# For sft_test: an entry of the program test_<name> with the cases that the
# filters `fast` choose, and one with those of `slow`; both go to _tests.
macro(sft_test_entry name entry fast slow)
  string(REPLACE ";" "," _fast_filter "${fast}")
  string(REPLACE ";" "," _slow_filter "${slow}")
  add_test(NAME ${entry} COMMAND test_${name} "${_fast_filter}")
  add_test(NAME ${entry}.slow COMMAND test_${name} "${_slow_filter}")
  set_tests_properties(${entry} PROPERTIES LABELS "${name}")
  set_tests_properties(${entry}.slow PROPERTIES LABELS "${name};slow")
  list(APPEND _tests ${entry} ${entry}.slow)
endmacro()

# sft_test(<name> <dir> [TORCH] [TOP] [ONLY files...] [EXCLUDE files...]
#          [PARTS part:tag,tag...] [DEPS modules...])
# Makes test_<name> of the *_test.cc under tests/<dir> (TOP: not in subfolders)
# and registers it with CTest: once without the cases tagged [slow] or [gpu],
# once for [slow], and in a CUDA build once for [gpu], each under its label. An
# entry writes the cases that it skipped to <build>/skips/<entry>.txt, and is
# itself Skipped where it skipped them all. PARTS: cases of these tags are entries
# of their own, <name>.<part>, so that CTest can share out a long program; a case
# belongs to the first part that has one of its tags.
function(sft_test name dir)
  cmake_parse_arguments(ARG "TORCH;TOP" "" "ONLY;EXCLUDE;PARTS;DEPS" ${ARGN})
  set(_glob GLOB_RECURSE)
  if(ARG_TOP)
    set(_glob GLOB)
  endif()
  file(${_glob} _sources CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/${dir}/*_test.cc")
  if(ARG_ONLY)
    list(JOIN ARG_ONLY "|" _only)
    list(FILTER _sources INCLUDE REGEX "/(${_only})$")
  endif()
  if(ARG_EXCLUDE)
    list(JOIN ARG_EXCLUDE "|" _exclude)
    list(FILTER _sources EXCLUDE REGEX "/(${_exclude})$")
  endif()
  if(NOT _sources)
    return()
  endif()
  add_executable(test_${name} ${_sources})
  target_compile_options(test_${name} PRIVATE ${SFT_TEST_OPTIONS})
  list(TRANSFORM ARG_DEPS PREPEND "sft_")
  target_link_libraries(test_${name} PRIVATE ${ARG_DEPS} sft_catch_main)
  if(ARG_TORCH)
    target_link_libraries(test_${name} PRIVATE sft_test_support)
    sft_precompile_torch(test_${name} TEST)
  endif()
  target_compile_definitions(test_${name} PRIVATE
    SFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SFT_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set(_tests "")
  set(_others "")  # without the cases of the parts so far
  foreach(_part IN LISTS ARG_PARTS)
    string(REGEX MATCH "^([^:]+):(.+)$" _ "${_part}")
    set(_entry "${name}.${CMAKE_MATCH_1}")
    string(REPLACE "," ";" _tags "${CMAKE_MATCH_2}")
    set(_fast "")
    set(_slow "")
    foreach(_tag IN LISTS _tags)
      list(APPEND _fast "[${_tag}]${_others}~[slow]~[gpu]~[.]")
      list(APPEND _slow "[${_tag}]${_others}[slow]~[gpu]~[.]")
    endforeach()
    foreach(_tag IN LISTS _tags)
      string(APPEND _others "~[${_tag}]")
    endforeach()
    sft_test_entry(${name} ${_entry} "${_fast}" "${_slow}")
  endforeach()
  sft_test_entry(${name} ${name} "${_others}~[slow]~[gpu]~[.]"
    "${_others}[slow]~[gpu]~[.]")
  if(SFT_WITH_CUDA)
    add_test(NAME ${name}.gpu COMMAND test_${name} "[gpu]")
    set_tests_properties(${name}.gpu PROPERTIES LABELS "${name};gpu" RUN_SERIAL ON)
    list(APPEND _tests ${name}.gpu)
  endif()
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/skips")
  set(_timeout 1500)
  if(SFT_SANITIZE)
    set(_timeout 6000)
  endif()
  foreach(_test IN LISTS _tests)
    # One thread each, since CTest runs several at once. 77: catch_main.cc.
    set_tests_properties(${_test} PROPERTIES TIMEOUT ${_timeout} SKIP_RETURN_CODE 77
      ENVIRONMENT "OMP_NUM_THREADS=1;SFT_SKIPS_FILE=${PROJECT_BINARY_DIR}/skips/${_test}.txt")
  endforeach()
endfunction()

# sft_fuzz(<name> [TORCH] DEPS modules...)
# Makes fuzz_<name> of tests/fuzz/<name>_fuzz.cc: libFuzzer's program in a build
# with SFT_FUZZ, else one that reads what it is given; a test reads the corpus.
function(sft_fuzz name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPS" ${ARGN})
  set(_folder "${PROJECT_SOURCE_DIR}/tests/fuzz")
  add_executable(fuzz_${name} "${_folder}/${name}_fuzz.cc"
    "${_folder}/fuzz_main.cc")
  sft_include_root(fuzz_${name} PRIVATE tests tests)
  list(TRANSFORM ARG_DEPS PREPEND "sft_")
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_DEPS})
  if(SFT_FUZZ)
    target_compile_definitions(fuzz_${name} PRIVATE SFT_LIBFUZZER)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  add_test(NAME fuzz.${name} COMMAND fuzz_${name} "${_folder}/corpus/${name}")
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz
    ENVIRONMENT "OMP_NUM_THREADS=1" TIMEOUT 300)
endfunction()

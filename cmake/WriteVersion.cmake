# Writes OUTPUT with the git revision of SOURCE_DIR; touches it only on change.
# Run at every build: cmake -DSOURCE_DIR=.. -DOUTPUT=.. -P WriteVersion.cmake
cmake_minimum_required(VERSION 3.25)

set(_revision "unknown")
set(_dirty "false")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND "${GIT}" -C "${SOURCE_DIR}" rev-parse HEAD
    OUTPUT_VARIABLE _out OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
    RESULT_VARIABLE _rc)
  if(_rc EQUAL 0)
    set(_revision "${_out}")
    execute_process(
      COMMAND "${GIT}" -C "${SOURCE_DIR}" status --porcelain --untracked-files=no
      OUTPUT_VARIABLE _out OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(_out)
      set(_dirty "true")
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT
"// Written by cmake/WriteVersion.cmake at build time.
#ifndef SFTBENCH_VERSION_H_
#define SFTBENCH_VERSION_H_

#define SFTBENCH_GIT_REVISION \"@_revision@\"
#define SFTBENCH_GIT_DIRTY @_dirty@

#endif  // SFTBENCH_VERSION_H_
")

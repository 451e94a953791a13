# Puts what a program says of its options into a manual page: cmake -D PROGRAM= -D ASKED= -D TEMPLATE=
# -D PAGE= -D CONFDIR= -D DOCDIR= -P fill.cmake. Where a program's help becomes a literal block, a backslash
# and a dot at the start of a line are kept from being read as a macro.
# So that "@CONFDIR@" below is a text and not a variable (CMP0053).
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${PROGRAM} ${ASKED} OUTPUT_VARIABLE options RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} ${ASKED}: ${result}")
endif()
string(REGEX REPLACE " +\n" "\n" options "${options}")
string(REGEX REPLACE "\n+$" "" options "${options}")
if(ASKED STREQUAL "--help")
    string(REPLACE "\\" "\\e" options "${options}")
    string(REGEX REPLACE "\n([.'])" "\n\\\\&\\1" options "${options}")
endif()
file(READ ${TEMPLATE} page)
string(REPLACE "@OPTIONS@" "${options}" page "${page}")
string(REPLACE "@CONFDIR@" "${CONFDIR}" page "${page}")
string(REPLACE "@DOCDIR@" "${DOCDIR}" page "${page}")
file(WRITE ${PAGE} "${page}")

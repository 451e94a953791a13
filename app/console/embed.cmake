# Writes the files of the console into a source of the program:
#   cmake -D FROM=<folder> -D TO=<file> -P embed.cmake
function(text_of result)
    set(all)
    foreach(path ${ARGN})
        file(READ ${path} text)
        string(APPEND all "${text}")
    endforeach()
    set(${result} "R\"file(${all})file\"" PARENT_SCOPE)
endfunction()

file(GLOB styles ${FROM}/*.css)
file(GLOB scripts ${FROM}/*.js)
text_of(html ${FROM}/index.html)
text_of(style ${styles})
text_of(script ${scripts})
file(WRITE ${TO} "// Made of the files in app/console/page.
#include \"app/console/console_files.hpp\"

namespace twincached::app {

const std::string_view console_html = ${html};
const std::string_view console_style = ${style};
const std::string_view console_script = ${script};

}  // namespace twincached::app
")

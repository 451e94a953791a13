// Whoever starts a program may have closed its standard streams. What it opens first would then get
// their numbers: the log would go into a client's connection or a file of items, and whoever lets
// go of the terminal would close what the process lives on. Of both programs, the first thing in
// main.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace twincached::app {

// Opens those that are closed on nothing. False: stderr was, and nobody reads it.
inline bool hold_standard_streams() noexcept {
    bool is_stderr_read = true;
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) >= 0) continue;
        // Each gets the lowest number that is free: its own. A root without /dev has itself at
        // least, of which nothing is read, and to which nothing is written.
        if (::open("/dev/null", O_RDWR) < 0) (void)::open("/", O_RDONLY | O_DIRECTORY);
        if (stream == STDERR_FILENO) is_stderr_read = false;
    }
    return is_stderr_read;
}

}  // namespace twincached::app

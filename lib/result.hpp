// What the world may do to us comes back as a value: a result or an error code, never an
// exception. An answer that the memcached protocol knows (miss, not stored) is an enum instead.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <string>

namespace twincached::lib {

template <class T>
using Result = boost::system::result<T>;

// For input that a person wrote (options, files): the error is the sentence shown to them.
template <class T>
using Parsed = boost::system::result<T, std::string>;

}  // namespace twincached::lib

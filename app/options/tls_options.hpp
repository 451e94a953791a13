// The part of the option table about TLS: on the link, and for clients.
#pragma once

#include "app/options/option_table.hpp"

#include <span>

namespace twincached::app {

std::span<const Option> tls_options() noexcept;

}  // namespace twincached::app

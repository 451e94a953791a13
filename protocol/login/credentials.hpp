// The table of passwords in force, which a reload exchanges while logins go on. Any thread.
#pragma once

#include "lib/mutex.hpp"
#include "protocol/login/passwords.hpp"

#include <memory>
#include <string_view>

namespace twincached::protocol {

class Credentials {
  public:
    void replace(PasswordTable table);
    // False as long as there is no table.
    bool accept(std::string_view user, std::string_view password) const noexcept;

  private:
    mutable lib::Mutex mutex_;
    // Shared with checks that are under way while it is replaced.
    std::shared_ptr<const PasswordTable> table_ GUARDED_BY(mutex_);
};

}  // namespace twincached::protocol

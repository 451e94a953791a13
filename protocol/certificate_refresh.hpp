// What became of a client's wish that certificates be read again (`refresh_certs`).
#pragma once

#include <string>

namespace twincached::protocol {

struct CertificateRefresh {
    bool has_tls = false;
    std::string problem{};  // a sentence; empty: done
};

}  // namespace twincached::protocol

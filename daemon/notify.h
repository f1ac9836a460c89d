/// Tells a service manager how the daemon fares.   Source: sd_notify(3), the protocol by hand.
#pragma once

#include <string_view>

namespace ndshare::internal {

/// Sends `state` ("READY=1", "STOPPING=1") to the datagram socket named by NOTIFY_SOCKET; '@' starts an abstract name. Does
/// nothing where the variable is not set, and never throws: a manager that does not listen is no reason to stop.
void notify_manager(std::string_view state) noexcept;

}  // namespace ndshare::internal

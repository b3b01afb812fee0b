// The broker that a client asks first, when any will do.
#ifndef FRESHET_MODELS_LOG_FIRST_UP_H_
#define FRESHET_MODELS_LOG_FIRST_UP_H_

#include <cstdint>

#include "models/log/log_service.h"

namespace freshet {

// The first broker that is up, from the `from`-th on and round; kNoBroker when all are down.
// Clients that begin at different places spread over the brokers.
inline BrokerId FirstUp(const LogService& log, uint64_t from) {
  const auto brokers = static_cast<uint64_t>(log.broker_count());
  for (uint64_t step = 0; step < brokers; ++step) {
    const auto broker = static_cast<BrokerId>((from + step) % brokers);
    if (log.IsUp(broker)) return broker;
  }
  return kNoBroker;
}

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_FIRST_UP_H_

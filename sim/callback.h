// A continuation that allocates nothing: a function pointer and 24 bytes of capture, trivially
// copyable, so that it can wait in a queue or travel inside an event.
//
// Capture pointers and indices; what is larger lives in a pool and is captured by its index.
#ifndef FRESHET_SIM_CALLBACK_H_
#define FRESHET_SIM_CALLBACK_H_

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace freshet {

template <class... Arguments>
class InlineCallback {
 public:
  static constexpr size_t kCapacity = 24;

  InlineCallback() {}  // NOLINT: `= default` would clear the storage in value-initialisation.

  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, InlineCallback>>>
  InlineCallback(F&& function) {  // NOLINT: implicit, as a lambda is what callers write.
    using Closure = std::decay_t<F>;
    static_assert(sizeof(Closure) <= kCapacity, "capture an index into a pool instead");
    static_assert(std::is_trivially_copyable_v<Closure>, "captures must be trivially copyable");
    new (storage_) Closure(std::forward<F>(function));
    invoke_ = [](void* storage, Arguments... arguments) {
      (*static_cast<Closure*>(storage))(arguments...);
    };
  }

  explicit operator bool() const { return invoke_ != nullptr; }
  // REQUIRES: not empty.
  void operator()(Arguments... arguments) { invoke_(storage_, arguments...); }

 private:
  void (*invoke_)(void*, Arguments...) = nullptr;
  // Not cleared: only the bytes of the closure are ever read as anything.
  alignas(void*) std::byte storage_[kCapacity];
};

// What a resource calls when the work is done.
using Callback = InlineCallback<>;
template <class Result>
using Completion = InlineCallback<Result>;

}  // namespace freshet

#endif  // FRESHET_SIM_CALLBACK_H_

#include "lib/exec/evaluation.h"

#include <ndshare/error.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <numeric>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kLongRow = 64;       // elements: pieces end where such rows do, so that these are used where they lie
constexpr std::int64_t kLine = 64;          // bytes that memory hands out at once

std::size_t itemsize_of(TypeId type) noexcept { return static_cast<std::size_t>(DType(type).itemsize()); }

void repeat(const std::byte* item, std::size_t itemsize, std::byte* to, std::size_t n) noexcept {
  gather_run(item, 0, itemsize, to, n);
}

}  // namespace

struct Evaluation::Run {
  const Step* step;
  std::uint16_t out;  // register; kNoRegister for the value itself
  TypeId result;
  bool look;          // at each block, whatever the kernel says
  bool wants;         // what the kernel says
  std::optional<StepPair> pair{};  // this step and the one before it, as one
  bool leads = false;              // the first of such a pair
  UnaryKernel unary = nullptr;
  const BinaryKernels* binary = nullptr;
  SelectKernel select = nullptr;
  CastKernel cast = nullptr;
  CheckedKernel checked = nullptr;
};

/// Registers of kBlockBytes and the operands' table, grown to the largest evaluation that the thread has run.
struct Evaluation::Scratch {
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size = 0;
  std::vector<Operand> operands;

  static Scratch& get(std::size_t registers, std::size_t values) {
    thread_local Scratch scratch;
    const std::size_t wanted = registers * kBlockBytes + kLine;
    try {
      if (scratch.size < wanted) {
        scratch.bytes = std::make_unique_for_overwrite<std::byte[]>(wanted);
        scratch.size = wanted;
      }
      if (scratch.operands.size() < values) scratch.operands.resize(values);
    } catch (const std::bad_alloc&) {
      throw Error(Error::Memory, "no memory for " + std::to_string(wanted) + " bytes of scratch",
                  {{"asked_bytes", std::to_string(wanted)}});
    }
    return scratch;
  }
  [[nodiscard]] std::byte* registers() const noexcept {
    return reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(bytes.get()) + kLine - 1) / kLine * kLine);
  }
};

Evaluation::~Evaluation() = default;

Evaluation::Evaluation(const Program& program, ValueId value, const Shape& shape, std::span<const int> order,
                       ErrorFlags* flags, Strides* out_strides)
    : program_(program), value_(value), flags_(flags), itemsize_(itemsize_of(program.type(value))) {
  bind_leaves(shape, order, out_strides);
  assign_registers();
  choose_tiles();
}

void Evaluation::bind_leaves(const Shape& shape, std::span<const int> order, Strides* out_strides) {
  std::array<int, kMaxAxes> axes{};
  std::iota(axes.begin(), axes.end(), 0);
  if (order.empty()) order = std::span(axes.data(), static_cast<std::size_t>(shape.ndim()));
  const auto& leaves = program_.leaves();
  std::vector<Strides> strides;
  strides.reserve(leaves.size() + 1);
  for (const Array& leaf : leaves) strides.push_back(stretched_strides(leaf, shape));
  if (out_strides != nullptr) strides.push_back(*out_strides);
  space_ = merge_axes(shape, order, strides);
  if (out_strides != nullptr) *out_strides = strides.back();
  contiguous_ = space_.sizes.ndim() <= 1;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const TypeId type = leaves[i].dtype().id();
    readers_.emplace_back(leaves[i].data(), strides[i], type, space_, type);
    const auto n = static_cast<std::size_t>(space_.count);
    contiguous_ = contiguous_ && (n == 0 || readers_[i].direct(0, n) != nullptr || readers_[i].repeated(0, n) != nullptr);
  }
}

/// What the value needs. A pair's operands are needed until its second step, and both steps' results have a place: where something is
/// to be looked at, or the first step is of scalars alone, they are done one by one.
struct Evaluation::Needs {
  std::vector<bool> value;
  std::vector<std::size_t> last_use;            // by value: the last step that reads it, plus 1
  std::vector<std::optional<StepPair>> second;  // by step: of a pair
  std::vector<bool> first;                      // by step

  explicit Needs(const Program& program, ValueId root)
      : value(program.size(), false),
        last_use(program.size(), 0),
        second(program.steps().size()),
        first(program.steps().size(), false) {
    const auto& steps = program.steps();
    std::vector<std::size_t> users(program.size(), 0);
    value[root] = true;
    for (std::size_t i = steps.size(), next = i; i-- > 0;) {
      const Step& step = steps[i];
      if (!value[step.result]) continue;
      if (next != steps.size() && !first[next] && users[step.result] == 1) second[next] = pair_of(step, steps[next]);
      first[i] = next != steps.size() && second[next].has_value();
      for (int k = 0; k < step.arity(); ++k) {
        const ValueId in = step.in[static_cast<std::size_t>(k)];
        value[in] = true;
        if (k == 0 || in != step.in[0]) ++users[in];
        last_use[in] = std::max(last_use[in], (first[i] ? next : i) + 1);
      }
      next = i;
    }
  }
};

/// Steps in order; registers are given back after a value's last use. A step's result never lies where its operands do, so that
/// they can be looked at together afterwards.
void Evaluation::assign_registers() {
  const std::size_t values = program_.size();
  const Needs needs(program_, value_);
  std::vector<std::uint16_t> place(values, kNoRegister), free_list;
  const auto take = [&] {
    if (free_list.empty()) return static_cast<std::uint16_t>(registers_++);
    const auto taken = free_list.back();
    free_list.pop_back();
    return taken;
  };
  const auto give_back = [&](const Step& step, std::size_t now) {
    for (int k = 0; k < step.arity(); ++k) {
      const ValueId in = step.in[static_cast<std::size_t>(k)];
      if (needs.last_use[in] != now + 1 || place[in] == kNoRegister) continue;
      free_list.push_back(place[in]);
      place[in] = kNoRegister;
    }
  };
  std::size_t widest = itemsize_;
  for (std::size_t id = 0; id < values; ++id) {
    if (!needs.value[id]) continue;
    widest = std::max(widest, itemsize_of(program_.type(static_cast<ValueId>(id))));
    if (program_.value(static_cast<ValueId>(id)).kind == Value::Kind::step) continue;
    needed_leaves_.push_back(static_cast<ValueId>(id));
    leaf_registers_.push_back(program_.value(static_cast<ValueId>(id)).kind == Value::Kind::leaf ? take() : kNoRegister);
  }
  block_elements_ = kBlockBytes / widest;
  runs_.reserve(program_.steps().size());
  for (std::size_t i = 0; i < program_.steps().size(); ++i) {
    const Step& step = program_.steps()[i];
    if (!needs.value[step.result]) continue;
    place[step.result] = step.result == value_ ? kNoRegister : take();
    prepare(step, place[step.result]);
    runs_.back().pair = needs.second[i], runs_.back().leads = needs.first[i];
    if (step.result == value_ && !writes_past_caches(runs_.back())) staging_ = take();
    give_back(step, i);
    if (needs.second[i]) give_back(*runs_[runs_.size() - 2].step, i);
  }
}

bool Evaluation::writes_past_caches(const Run& run) noexcept {
  return run.pair || (run.checked == nullptr && run.binary != nullptr && run.binary->vv_stream != nullptr);
}

void Evaluation::prepare(const Step& step, std::uint16_t out_register) {
  Run run{.step = &step, .out = out_register, .result = program_.type(step.result), .look = false, .wants = false};
  const KernelTable& table = kernels();
  switch (step.kind) {
    case Step::Kind::unary:
      run.unary = table.find(static_cast<UnaryOp>(step.op), step.loop);
      break;
    case Step::Kind::binary:
      run.binary = &table.find(static_cast<BinaryOp>(step.op), step.loop);
      if (flags_ != nullptr && flags_->overflow() != OnOverflow::wrap && DType(step.loop).is_integer() && step.op < 3) {
        run.checked = table.checked[step.op][static_cast<std::size_t>(step.loop)];
      }
      break;
    case Step::Kind::select:
      run.select = table.select[static_cast<std::size_t>(std::countr_zero(itemsize_of(step.loop)))];
      break;
    case Step::Kind::cast:
      run.cast = find_cast(step.loop, run.result);
      break;
  }
  run.wants = flags_ != nullptr && flags_->wants(step, run.result);
  run.look = run.wants && flags_->wants_all(step);
  runs_.push_back(run);
}

void Evaluation::choose_tiles() noexcept {
  const int last = space_.sizes.ndim() - 1;
  if (last < 1 || space_.inner() < kLongRow) return;
  for (const Reader& reader : readers_) {
    const auto across = std::abs(reader.strides()[last]), along = std::abs(reader.strides()[last - 1]);
    if (across >= kLine && along != 0 && along < across) {
      tile_rows_ = std::min(space_.sizes[last - 1], std::max<std::int64_t>(16, kLine / static_cast<std::int64_t>(itemsize_)));
    }
  }
  if (tile_rows_ < 4) tile_rows_ = 0;
}

std::int64_t Evaluation::staged_bytes(ValueId input) const noexcept {
  if (program_.value(input).kind != Value::Kind::leaf) return 0;
  const Reader& reader = readers_[program_.value(input).index];
  const auto all = static_cast<std::size_t>(space_.count), row = static_cast<std::size_t>(space_.inner());
  const auto lies = [&](std::size_t n) { return reader.direct(0, n) != nullptr || reader.repeated(0, n) != nullptr; };
  // Blocks end where long rows do; short rows are put together.
  if (space_.count == 0 || lies(all) || (space_.inner() >= kLongRow && lies(row))) return 0;
  return space_.count * static_cast<std::int64_t>(itemsize_of(program_.type(input)));
}

std::size_t Evaluation::piece_length(std::int64_t low, std::size_t n, bool staged) const noexcept {
  if (contiguous_) return runs_.size() == 1 && !staged ? n : std::min(n, block_elements_);
  std::size_t length = std::min(n, block_elements_);
  const std::int64_t inner = space_.inner();
  if (inner >= kLongRow) length = std::min(length, static_cast<std::size_t>(inner - low % inner));
  return length;
}

const std::byte* Evaluation::lies(std::int64_t low, std::size_t n) const noexcept {
  return is_leaf() ? readers_[program_.value(value_).index].direct(low, n) : nullptr;
}

const std::byte* Evaluation::fetch(std::int64_t low, std::size_t n, std::byte* room) const {
  if (const std::byte* here = lies(low, n)) return here;
  store(low, n, room, false);
  return room;
}

void Evaluation::store(std::int64_t low, std::size_t n, std::byte* to, bool stream) const {
  while (n > 0) {
    const Piece piece{low, is_step() ? piece_length(low, n, stream && staging_ != kNoRegister) : n, nullptr};
    compute(piece, to, stream);
    low += static_cast<std::int64_t>(piece.n);
    to += piece.n * itemsize_;
    n -= piece.n;
  }
}

void Evaluation::store_tile(const Tile& tile, std::byte* to) const {
  compute({0, static_cast<std::size_t>(tile.rows * tile.columns), &tile}, to, false);
}

Evaluation::Operand Evaluation::load(ValueId id, const Piece& piece, std::byte* room) const noexcept {
  const Value& value = program_.value(id);
  if (value.kind == Value::Kind::literal) return {program_.literals()[value.index].data(), true};
  const Reader& reader = readers_[value.index];
  const auto alone = [&](const std::byte* one) -> Operand {  // kernels want it aligned
    if (reader.is_aligned()) return {one, true};
    std::memcpy(room, one, itemsize_of(value.type));
    return {room, true};
  };
  if (piece.tile != nullptr) {
    if (const std::byte* one = reader.repeated(0, static_cast<std::size_t>(space_.count))) return alone(one);
    reader.stage_tile(*piece.tile, room);
    return {room, false};
  }
  if (const std::byte* lies = reader.direct(piece.low, piece.n)) return {lies, false};
  if (const std::byte* one = reader.repeated(piece.low, piece.n)) return alone(one);
  reader.stage(piece.low, piece.n, room);
  return {room, false};
}

void Evaluation::compute(const Piece& piece, std::byte* to, bool stream) const {
  Scratch& scratch = Scratch::get(registers_, program_.size());
  std::byte* registers = scratch.registers();
  Operand* operands = scratch.operands.data();
  if (!is_step()) {  // an array or a number, moved
    const Operand only = load(value_, piece, to);
    if (only.scalar) return repeat(only.data, itemsize_, to, piece.n);
    if (only.data != to && piece.n != 0) std::memmove(to, only.data, piece.n * itemsize_);
    return;
  }
  for (std::size_t i = 0; i < needed_leaves_.size(); ++i) {
    const std::uint16_t place = leaf_registers_[i];
    operands[needed_leaves_[i]] = load(needed_leaves_[i], piece, place == kNoRegister ? nullptr : registers + place * kBlockBytes);
  }
  // A last step without stores that go past the caches makes its block in a register, and it is moved from there.
  const bool staged = stream && staging_ != kNoRegister;
  std::byte* const end = staged ? registers + staging_ * kBlockBytes : to;
  for (const Run& run : runs_) {
    std::byte* out = run.out == kNoRegister ? end : registers + run.out * kBlockBytes;
    const bool past = stream && !staged && run.out == kNoRegister;
    if (run.leads || (run.pair && call_pair(run, operands, out, piece.n, past))) continue;
    operands[run.step->result] = {out, call(run, operands, out, piece.n, past)};
  }
  if (operands[value_].scalar && piece.n > 1) repeat(end, itemsize_, end, piece.n);
  if (staged) kernels().stream_copy(to, end, piece.n * itemsize_);
}

/// Does a pair in one pass. False: it did the first step alone, and the caller does the second.
bool Evaluation::call_pair(const Run& second, Operand* operands, std::byte* to, std::size_t n, bool stream) const noexcept {
  const Run& first = (&second)[-1];
  const Operand a = operands[second.pair->in[0]], b = operands[second.pair->in[1]], c = operands[second.pair->in[2]];
  if (!(a.scalar && b.scalar) && !first.look && !second.look) {
    const auto seen = second.pair->kernel({a.data, b.data, c.data, a.scalar, b.scalar, c.scalar}, to, n, stream);
    operands[second.step->result] = {to, false};
    if (seen == 0 || !(first.wants || second.wants)) return true;
  }
  std::byte* between = Scratch::get(registers_, program_.size()).registers() + first.out * kBlockBytes;
  operands[first.step->result] = {between, call(first, operands, between, n, false)};
  return false;
}

/// One step over one block; true if its operands were scalars, and so is the result.
bool Evaluation::call(const Run& run, const Operand* operands, std::byte* to, std::size_t n, bool stream) const noexcept {
  const Step& step = *run.step;
  const Operand a = operands[step.in[0]], b = operands[step.in[1]], c = operands[step.in[2]];
  const bool masked = flags_ != nullptr && flags_->mask().has_value();
  const Looked mask = masked ? Looked{operands[*flags_->mask()].data, operands[*flags_->mask()].scalar} : Looked{};
  switch (step.kind) {
    case Step::Kind::unary: {
      const std::size_t count = a.scalar ? std::min<std::size_t>(n, 1) : n;
      const std::uint32_t seen = run.unary(a.data, to, count);
      if (run.look || (seen != 0 && run.wants)) flags_->look(step, seen, {a.data, false}, {}, to, count, n, mask);
      return a.scalar;
    }
    case Step::Kind::cast: {
      const std::size_t count = a.scalar ? std::min<std::size_t>(n, 1) : n;
      if (run.wants) flags_->look_at_cast(step.loop, run.result, a.data, count, n, mask);
      run.cast(a.data, to, count);
      return a.scalar;
    }
    case Step::Kind::binary: {
      const bool scalar = a.scalar && b.scalar;
      const std::size_t count = scalar ? std::min<std::size_t>(n, 1) : n;
      if (scalar) {
        call_binary(run, {a.data, false}, {b.data, false}, to, count, false, mask);
      } else {
        call_binary(run, a, b, to, count, stream, mask);
      }
      return scalar;
    }
    case Step::Kind::select: {
      const bool scalar = a.scalar && b.scalar && c.scalar;
      call_select(run, a, b, c, to, scalar ? std::min<std::size_t>(n, 1) : n);
      return scalar;
    }
  }
  return false;
}

void Evaluation::call_binary(const Run& run, Operand a, Operand b, std::byte* to, std::size_t n, bool stream,
                             Looked mask) const noexcept {
  if (run.checked != nullptr) {
    const bool saturate = flags_->overflow() == OnOverflow::saturate;
    const std::size_t over = run.checked(a.data, a.scalar, b.data, b.scalar, to, n, saturate);
    if (over != 0 && !saturate) flags_->add_overflows(over);
    return;
  }
  const BinaryKernels& kernels = *run.binary;
  std::uint32_t seen = 0;
  if (a.scalar && kernels.sv == nullptr) {  // commutative
    seen = (stream && kernels.vs_stream != nullptr ? kernels.vs_stream : kernels.vs)(b.data, a.data, to, n);
  } else {
    const BinaryKernel plain = a.scalar ? kernels.sv : b.scalar ? kernels.vs : kernels.vv;
    const BinaryKernel past = a.scalar ? kernels.sv_stream : b.scalar ? kernels.vs_stream : kernels.vv_stream;
    seen = (stream && past != nullptr ? past : plain)(a.data, b.data, to, n);
  }
  if (run.look || (seen != 0 && run.wants)) {
    flags_->look(*run.step, seen, {a.data, a.scalar}, {b.data, b.scalar}, to, n, n, mask);
  }
}

void Evaluation::call_select(const Run& run, Operand mask, Operand a, Operand b, std::byte* to, std::size_t n) const noexcept {
  if (!mask.scalar) {
    return run.select(reinterpret_cast<const std::uint8_t*>(mask.data), a.data, a.scalar, b.data, b.scalar, to, n);
  }
  const std::size_t itemsize = itemsize_of(run.result);
  const Operand chosen = *mask.data != std::byte{0} ? a : b;
  if (chosen.scalar) return repeat(chosen.data, itemsize, to, n);
  if (n != 0) std::memmove(to, chosen.data, n * itemsize);
}

}  // namespace ndshare::internal

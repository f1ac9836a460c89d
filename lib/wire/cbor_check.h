/// A look at the structure of CBOR bytes before they are parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ndshare::internal {

/// Walks the heads of all items without recursion and without memory: the bytes are one complete item, lengths are definite and
/// within the bytes, there are no tags, and nothing nests deeper than `max_depth`. The parser that runs afterwards recurses by
/// nesting level (for chunked strings too), so that this walk is what bounds its stack.
///   Errors: Protocol (what, and at which byte).   Source: RFC 8949, section 3.
void check_cbor(std::span<const std::uint8_t> bytes, std::size_t max_depth);

}  // namespace ndshare::internal

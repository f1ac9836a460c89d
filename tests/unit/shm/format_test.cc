#include "lib/shm/format.h"

#include <cstring>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "lib/shm/shared_bytes.h"

namespace ndshare::internal {
namespace {

TEST(FormatTest, SharedStructsHaveStandardLayout) {
  EXPECT_TRUE(std::is_standard_layout_v<CatalogHeader>);
  EXPECT_TRUE(std::is_standard_layout_v<Slot>);
  EXPECT_TRUE(std::is_standard_layout_v<Redo>);
  EXPECT_TRUE(std::is_standard_layout_v<ArrayRecord>);
  EXPECT_TRUE(std::is_standard_layout_v<SyncHeader>);
  EXPECT_TRUE(std::is_standard_layout_v<SlotClaims>);
}

TEST(FormatTest, TheFilesSpellTheirMagicInOrder) {
  char text[9] = {};
  std::memcpy(text, &kCatalogMagic, 8);
  EXPECT_STREQ(text, "NDSCTLG1");
}

TEST(FormatTest, PackedWordsComeApartAgain) {
  const auto id = slot_id(0x7FFFF, SlotState::dying);
  EXPECT_EQ(slot_gen(id), 0x7FFFFU);
  EXPECT_EQ(slot_state(id), SlotState::dying);
  const auto word = claim_word(ClaimState::granted, ClaimMode::write, kClaimCopying, 0xFFFF'FFFE);
  EXPECT_EQ(claim_state(word), ClaimState::granted);
  EXPECT_EQ(claim_mode(word), ClaimMode::write);
  EXPECT_EQ(claim_array(word), 0xFFFF'FFFEU);
  EXPECT_EQ(make_index_entry(0xABCD'EF01'2345'6789ULL, 6), 0xABCD'EF01'0000'0007ULL);
}

TEST(FormatTest, ArraySyncHoldsThreeBitsAClient) {
  EXPECT_EQ(array_sync_stride(1), 64U);
  EXPECT_EQ(array_sync_stride(512), (24U + 3 * 64 + 63) / 64 * 64);
  EXPECT_GE(array_sync_stride(kMaxClientsLimit), 24U + 3 * 8 * 64);
}

TEST(SharedBytesTest, CopiesAnyLengthThereAndBack) {
  alignas(8) std::byte shared[64];
  for (std::size_t bytes = 0; bytes <= 48; ++bytes) {
    std::vector<unsigned char> in(bytes), out(bytes);
    for (std::size_t i = 0; i < bytes; ++i) in[i] = static_cast<unsigned char>(i * 7 + 1);
    std::memset(shared, 0xEE, sizeof shared);
    store_shared(shared, in.data(), bytes);
    load_shared(out.data(), shared, bytes);
    EXPECT_EQ(in, out);
    EXPECT_EQ(shared[(bytes + 7) / 8 * 8], std::byte{0xEE}) << bytes;
  }
}

}  // namespace
}  // namespace ndshare::internal

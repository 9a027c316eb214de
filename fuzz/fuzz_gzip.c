/* SPDX-License-Identifier: Apache-2.0 */
/* gzip: caps hold, and what was unpacked packs and unpacks to the same. */
#include <stdint.h>

#include "base/bug.h"
#include "io/gzip.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gzip_limits limits = { 1u << 16, 100, 1u << 12 };
	struct gzip_limits again = { 1u << 16, SIZE_MAX, SIZE_MAX };
	struct arena *a = arena_must(0);
	struct str in = { (const char *)data, size };
	struct str text, packed, same;

	if (gzip_unpack(a, in, limits, &text, NULL) == ST_OK) {
		BUG(text.n > limits.max_bytes);
		BUG(gzip_pack(a, text, &packed) != ST_OK);
		BUG(gzip_unpack(a, packed, again, &same, NULL) != ST_OK);
		BUG(!str_eq(text, same));
	}
	arena_free(&a);
	return 0;
}

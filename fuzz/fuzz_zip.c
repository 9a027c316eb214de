/* SPDX-License-Identifier: Apache-2.0 */
/* zip: any bytes; what comes out keeps to the caps. */
#include <stdint.h>

#include "base/bug.h"
#include "io/zip.h"

#include "base/poison.h"

#define LIMITS ((struct gzip_limits){ 1u << 20, 200, 4096 })

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct str in = { (const char *)data, size };
	struct zip_files files = {};
	struct err e = {};
	size_t n = 0;

	if (zip_unpack(a, in, LIMITS, &files, &e) == ST_OK) {
		for (size_t i = 0; i < files.n; i++)
			n += files.items[i].bytes.n;
		BUG(files.n == 0 || n > LIMITS.max_bytes);
	} else {
		BUG(e.text[0] == '\0');
	}
	arena_free(&a);
	return 0;
}

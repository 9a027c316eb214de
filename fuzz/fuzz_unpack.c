/* SPDX-License-Identifier: Apache-2.0 */
/* unpack: any bytes; what comes out is a report that can be written. */
#include <stdint.h>

#include "base/bug.h"
#include "intake/unpack.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct str raw = { (const char *)data, size };
	struct unpacked_reports found = {};
	struct err e = {};

	if (unpack_reports(a, raw, &found, &e) == ST_OK) {
		for (size_t i = 0; i < found.n; i++) {
			struct sbuf b = sbuf_arena(a, 1u << 26);
			struct json_writer w = json_writer_of(&b, 0);

			tlsrpt_report_write(&w, found.items[i]);
			BUG(!sbuf_ok(&b));
		}
	} else {
		BUG(e.text[0] == '\0');
	}
	arena_free(&a);
	return 0;
}

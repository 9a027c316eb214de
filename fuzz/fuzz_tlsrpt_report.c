/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_report: what was read and written reads as the same report. */
#include <stdint.h>

#include "base/bug.h"
#include "proto/tlsrpt_report.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str written(struct arena *a, const struct tlsrpt_report *r)
{
	struct sbuf b = sbuf_arena(a, 1u << 26);
	struct json_writer w = json_writer_of(&b, 0);

	tlsrpt_report_write(&w, r);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct tlsrpt_report *r = NULL;
	struct arena *a = arena_must(0);

	if (tlsrpt_report_read(a, text, NULL, &r, NULL) == ST_OK) {
		text = written(a, r);
		BUG(tlsrpt_report_read(a, text, NULL, &r, NULL) != ST_OK);
		BUG(!str_eq(written(a, r), text));
	}
	arena_free(&a);
	return 0;
}

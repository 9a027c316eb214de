/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of reports, as a damaged or hostile database would have them. */
#include "base/bug.h"
#include "store/report_body.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = { (const char *)data, size }, again;
	struct store_report_policy *policies;
	struct arena *a = arena_must(4 << 20);
	struct err e = {};
	size_t n;

	/* Whatever is read is written the same, if it is text. */
	if (report_body_read(a, body, &policies, &n) == ST_OK &&
		report_body_write(a, policies, n, &again, &e) == ST_OK)
		BUG(!str_eq(again, body));
	arena_free(&a);
	return 0;
}

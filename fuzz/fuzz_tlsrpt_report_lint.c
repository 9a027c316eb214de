/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_report_lint: no error found means that the reader finds its way. */
#include <stdint.h>

#include "base/bug.h"
#include "proto/tlsrpt_report.h"
#include "proto/tlsrpt_report_lint.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena *a = arena_must(0);
	struct finding_list found = finding_list_of(a);
	struct tlsrpt_report *r = NULL;

	if (tlsrpt_report_lint(text, &found) == ST_OK &&
		finding_verdict(&found) < FINDING_ERROR)
		BUG(tlsrpt_report_read(a, text, NULL, &r, NULL) == ST_INVALID);
	arena_free(&a);
	return 0;
}

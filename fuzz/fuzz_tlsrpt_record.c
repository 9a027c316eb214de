/* SPDX-License-Identifier: Apache-2.0 */
/* _smtp._tls records: reader and linter agree; addresses are usable. */
#include "base/bug.h"
#include "fuzz/record_texts.h"
#include "proto/host_name.h"
#include "proto/record_lint.h"
#include "proto/tlsrpt_record.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct finding_list list = finding_list_of(a);
	struct str texts[RECORD_TEXTS_MAX];
	size_t n = record_texts(data, size, texts);
	struct tlsrpt_record rec;
	struct err why = {};

	BUG(tlsrpt_record_select(a, texts, n, &rec, &why) != ST_OK);
	record_lint_tlsrpt(texts, n, &list);
	BUG(list.failed);
	BUG((list.worst == FINDING_ERROR) ==
		(rec.outcome == TLSRPT_RECORD_VALID));
	BUG(rec.outcome == TLSRPT_RECORD_VALID && rec.n_rua == 0);
	BUG(rec.outcome != TLSRPT_RECORD_VALID && why.text[0] == '\0');
	for (size_t i = 0; i < rec.n_rua; i++) {
		BUG(host_name_fault(rec.rua[i].host) != HOST_NAME_GOOD);
		BUG(rec.rua[i].scheme == TLSRPT_HTTPS && rec.rua[i].port == 0);
	}
	arena_free(&a);
	return 0;
}

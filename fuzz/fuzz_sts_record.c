/* SPDX-License-Identifier: Apache-2.0 */
/* _mta-sts records: reader and linter agree; an id that is read is valid. */
#include "base/bug.h"
#include "fuzz/record_texts.h"
#include "proto/record_lint.h"
#include "proto/sts_record.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct finding_list list = finding_list_of(a);
	struct str texts[RECORD_TEXTS_MAX];
	size_t n = record_texts(data, size, texts);
	struct err why = {};
	struct sts_record rec = sts_record_select(texts, n, &why);

	record_lint_sts(texts, n, &list);
	BUG(list.failed);
	BUG((list.worst == FINDING_ERROR) == (rec.outcome == STS_RECORD_VALID));
	if (rec.outcome == STS_RECORD_VALID)
		BUG(!sts_id_valid(rec.id));
	else
		BUG(why.text[0] == '\0');
	arena_free(&a);
	return 0;
}

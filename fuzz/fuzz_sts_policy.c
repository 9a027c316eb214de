/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: reader and linter agree, and writing then reading is identity.
 */
#include <stdint.h>

#include "base/bug.h"
#include "proto/sts_lint.h"
#include "proto/sts_match.h"
#include "proto/sts_policy.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct arena *a, const struct sts_policy *p)
{
	struct sbuf b = sbuf_arena(a, 1u << 20);
	struct sts_policy again;

	sts_policy_write(&b, p);
	BUG(!sbuf_ok(&b));
	if (b.n > 65536)
		return;
	BUG(sts_policy_parse(a, sbuf_str(&b), &again, NULL) != ST_OK);
	BUG(again.outcome != STS_POLICY_VALID || again.mode != p->mode);
	BUG(again.max_age_s != p->max_age_s || again.n_mx != p->n_mx);
	for (size_t i = 0; i < p->n_mx; i++)
		BUG(!str_eq(again.mx[i], p->mx[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena *a = arena_must(0);
	struct finding_list list = finding_list_of(a);
	struct sts_policy policy;
	struct err why = {};

	BUG(sts_policy_parse(a, text, &policy, &why) != ST_OK);
	sts_lint_policy(text, &list);
	BUG(list.failed);
	BUG((list.worst == FINDING_ERROR) ==
		(policy.outcome == STS_POLICY_VALID));
	if (policy.outcome == STS_POLICY_VALID)
		check_again(a, &policy);
	else
		BUG(why.text[0] == '\0');
	arena_free(&a);
	return 0;
}

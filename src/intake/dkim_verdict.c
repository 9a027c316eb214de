/* SPDX-License-Identifier: Apache-2.0 */
/* dkim_verdict: of several signatures the best. */
#include "intake/dkim_verdict.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

/* The domain that reports: as its contact says, or else the mail's header. */
static struct str reporter_of(const struct digest_reports *f, size_t i)
{
	struct str domain = tlsrpt_contact_domain(f->items[i]->contact);

	return domain.n > 0 ? domain : f->submitter;
}

static int rank(const struct dkim_verdict *v)
{
	return 2 * (int)v->result + v->aligned;
}

struct dkim_verdict dkim_verdict_of(const struct digest_reports *f, size_t i)
{
	const struct dkim_signatures *all = &f->signatures;
	struct str reporter = reporter_of(f, i);
	struct dkim_verdict best = { .result = DKIM_RESULT_NONE };

	for (size_t k = 0; k < all->n; k++) {
		const struct dkim_signature *s = &all->items[k];
		struct dkim_verdict v = { s->result, s->domain, s->reason,
			tlsrpt_signs_for(s->domain, reporter) };

		/* What counts comes before what holds. */
		if (k == 0 || v.aligned > best.aligned ||
			(v.aligned == best.aligned && rank(&v) > rank(&best)))
			best = v;
	}
	return best;
}

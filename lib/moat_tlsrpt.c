/* SPDX-License-Identifier: Apache-2.0 */
/* moat_tlsrpt: the TLS reporting part of moat.h, RFC 8460. */
#include "lib/handle.h"
#include "proto/tlsrpt_record.h"
#include "proto/tlsrpt_report.h"

#include "base/poison.h"

struct moat_tlsrpt_record {
	struct arena *arena;
	const char **uris;
	size_t n;
};

struct moat_report {
	struct arena *arena;
	struct tlsrpt_report *report;
	const char *organization, *contact, *id;
	struct moat_report_policy *policies;
	struct moat_report_failure **failures; /* of each policy */
	int failed;			       /* memory was used up */
};

static enum status record_status(const struct tlsrpt_record *rec)
{
	switch (rec->outcome) {
	case TLSRPT_RECORD_VALID:
		return ST_OK;
	case TLSRPT_RECORD_NONE:
		return ST_NOTFOUND;
	case TLSRPT_RECORD_INVALID:
	case TLSRPT_RECORD_SEVERAL:
		break;
	}
	return ST_INVALID;
}

static enum status copy_uris(
	struct moat_tlsrpt_record *h, const struct tlsrpt_record *rec)
{
	int failed = 0;

	h->uris = arena_array(h->arena, rec->n_rua, sizeof(*h->uris));
	if (h->uris == NULL)
		return ST_LIMIT;
	for (h->n = 0; h->n < rec->n_rua; h->n++)
		h->uris[h->n] = handle_text(
			h->arena, rec->rua[h->n].text, &failed);
	return failed ? ST_LIMIT : ST_OK;
}

enum moat_status moat_tlsrpt_record_read(const char *const *txt, size_t n,
	struct moat_tlsrpt_record **out, struct moat_error *err)
{
	struct moat_tlsrpt_record *h = handle_new(sizeof(*h));
	struct err e = { "out of memory" };
	enum status st = ST_LIMIT;
	struct tlsrpt_record rec;
	struct str *texts;

	texts = h == NULL ? NULL : handle_strs(h->arena, txt, n);
	if (texts != NULL)
		st = tlsrpt_record_select(h->arena, texts, n, &rec, &e);
	if (st == ST_OK)
		st = record_status(&rec);
	if (st == ST_OK)
		st = copy_uris(h, &rec);
	if (st == ST_OK) {
		*out = h;
		h = NULL;
	}
	moat_tlsrpt_record_free(&h);
	return handle_status(st, &e, err);
}

void moat_tlsrpt_record_free(struct moat_tlsrpt_record **rec)
{
	struct arena *a = *rec == NULL ? NULL : (*rec)->arena;

	arena_free(&a);
	*rec = NULL;
}

size_t moat_tlsrpt_record_count(const struct moat_tlsrpt_record *rec)
{
	return rec->n;
}

const char *moat_tlsrpt_record_uri(
	const struct moat_tlsrpt_record *rec, size_t i)
{
	return i < rec->n ? rec->uris[i] : NULL;
}

static const char *text(struct moat_report *h, struct str s)
{
	return handle_text(h->arena, s, &h->failed);
}

/* The failures of one policy; NULL when memory is used up. */
static struct moat_report_failure *copy_failures(
	struct moat_report *h, const struct tlsrpt_policy *p)
{
	struct moat_report_failure *to = arena_array(
		h->arena, p->failures.n, sizeof(*to));

	for (size_t i = 0; to != NULL && i < p->failures.n; i++) {
		const struct tlsrpt_failure *f = &p->failures.items[i];

		to[i].result = text(h, f->result_text);
		to[i].sending_mta_ip = text(h, f->sending_mta_ip);
		to[i].receiving_mx_hostname = text(h, f->receiving_mx_hostname);
		to[i].receiving_ip = text(h, f->receiving_ip);
		to[i].failure_reason_code = text(h, f->failure_reason_code);
		to[i].failed_sessions = f->failed_sessions;
	}
	return to;
}

/* ST_LIMIT: memory. */
static enum status copy_report(struct moat_report *h)
{
	const struct tlsrpt_report *r = h->report;
	size_t n = r->policies.n;

	h->organization = text(h, r->organization);
	h->contact = text(h, r->contact);
	h->id = text(h, r->id);
	h->policies = arena_array(h->arena, n, sizeof(*h->policies));
	h->failures = arena_array(
		h->arena, n, sizeof(struct moat_report_failure *));
	if (h->policies == NULL || h->failures == NULL)
		return ST_LIMIT;
	for (size_t i = 0; i < n; i++) {
		const struct tlsrpt_policy *p = &r->policies.items[i];

		h->policies[i].type = text(h, p->type_text);
		h->policies[i].domain = text(h, p->domain);
		h->policies[i].successful_sessions = p->successful_sessions;
		h->policies[i].failed_sessions = p->failed_sessions;
		h->policies[i].failure_count = p->failures.n;
		h->failures[i] = copy_failures(h, p);
		if (h->failures[i] == NULL)
			return ST_LIMIT;
	}
	return h->failed ? ST_LIMIT : ST_OK;
}

enum moat_status moat_report_read(const char *json, size_t n,
	struct moat_report **out, struct moat_error *err)
{
	struct moat_report *h = handle_new(sizeof(*h));
	struct err e = { "out of memory" };
	enum status st = ST_LIMIT;

	if (h != NULL)
		st = tlsrpt_report_read(h->arena, (struct str){ json, n }, NULL,
			&h->report, &e);
	if (st == ST_OK)
		st = copy_report(h);
	if (st == ST_OK) {
		*out = h;
		h = NULL;
	}
	moat_report_free(&h);
	return handle_status(st, &e, err);
}

void moat_report_free(struct moat_report **report)
{
	struct arena *a = *report == NULL ? NULL : (*report)->arena;

	arena_free(&a);
	*report = NULL;
}

const char *moat_report_organization(const struct moat_report *report)
{
	return report->organization;
}

const char *moat_report_contact(const struct moat_report *report)
{
	return report->contact;
}

const char *moat_report_id(const struct moat_report *report)
{
	return report->id;
}

int64_t moat_report_start(const struct moat_report *report)
{
	return report->report->has_start ? report->report->start.s : 0;
}

int64_t moat_report_end(const struct moat_report *report)
{
	return report->report->has_end ? report->report->end.s : 0;
}

size_t moat_report_deviation_count(const struct moat_report *report)
{
	return report->report->deviations.n;
}

size_t moat_report_policy_count(const struct moat_report *report)
{
	return report->report->policies.n;
}

const struct moat_report_policy *moat_report_policy(
	const struct moat_report *report, size_t i)
{
	return i < report->report->policies.n ? &report->policies[i] : NULL;
}

const struct moat_report_failure *moat_report_failure(
	const struct moat_report *report, size_t policy, size_t i)
{
	if (policy >= report->report->policies.n ||
		i >= report->policies[policy].failure_count)
		return NULL;
	return &report->failures[policy][i];
}

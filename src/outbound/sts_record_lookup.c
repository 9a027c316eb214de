/* SPDX-License-Identifier: Apache-2.0 */
/* sts_discover, the record: RFC 8461 section 3.1. */
#include "outbound/sts_discover.h"

#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/dns_lookup.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

struct sts_record_lookup {
	struct sts_record_lookup **handle;
	const struct sts_discover_env *env;
	sts_record_fn *fn;
	void *ctx;
	struct arena *a;
	struct dns_lookup dns;
	struct mono started;
	struct sts_record_result r;
};

static void free_lookup(void *ctx)
{
	struct sts_record_lookup *x = ctx;

	arena_free(&x->a);
	mem_free(x);
}

static void stop(struct sts_record_lookup *x)
{
	dns_lookup_cancel(&x->dns);
	*x->handle = NULL;
	loop_defer(x->env->loop, free_lookup, x);
}

static void end(struct sts_record_lookup *x)
{
	x->r.took_ms = loop_now(x->env->loop).ms - x->started.ms;
	stop(x);
	x->fn(x->ctx, &x->r);
}

static void end_temp(struct sts_record_lookup *x, const char *why)
{
	x->r.temp = true;
	(void)err_set(&x->r.why, ST_TEMP, "%s", why);
	end(x);
}

/* Each record's strings joined; a record that is broken cannot be ours. */
static struct str *texts_of(
	struct sts_record_lookup *x, const struct resolver_answer *answer)
{
	struct str *texts = arena_array(x->a, answer->n + 1, sizeof(*texts));

	BUG(texts == NULL);
	for (size_t i = 0; i < answer->n; i++)
		if (dns_txt_read(x->a, answer->rdata[i], &texts[i]) != ST_OK)
			texts[i] = (struct str){};
	return texts;
}

static void take_records(
	struct sts_record_lookup *x, const struct resolver_answer *answer)
{
	struct sts_record_result *r = &x->r;
	struct str *texts = texts_of(x, answer);
	struct sts_record record = sts_record_select(texts, answer->n, &r->why);

	r->outcome = record.outcome;
	r->id = record.id;
	r->n_texts = answer->n;
	if (record.outcome == STS_RECORD_VALID ||
		record.outcome == STS_RECORD_INVALID)
		r->text = texts[record.at];
	if (answer->nxdomain)
		(void)err_set(&r->why, ST_NOTFOUND, "the name does not exist");
	else if (answer->n == 0)
		(void)err_set(&r->why, ST_NOTFOUND, "there is no TXT record");
}

static void on_answer(void *ctx, enum status st,
	const struct resolver_answer *answer, const struct err *e)
{
	struct sts_record_lookup *x = ctx;
	struct sts_record_result *r = &x->r;

	if (st == ST_INVALID) { /* too long a name: there can be no record */
		r->why = *e;
		end(x);
		return;
	}
	if (st != ST_OK) {
		end_temp(x, e->text);
		return;
	}
	r->security = answer->security;
	if (answer->security == RESOLVER_BOGUS) {
		end_temp(x, arena_fmt(x->a, "DNSSEC: %.*s",
				    STR_ARG(answer->why_bogus))
				    .p);
		return;
	}
	r->nxdomain = answer->nxdomain;
	r->canonical = arena_str(x->a, answer->canonical);
	r->ttl_s = answer->ttl;
	take_records(x, answer);
	end(x);
}

void sts_record_start(struct sts_record_lookup **handle,
	const struct sts_discover_env *env, struct str domain,
	sts_record_fn *fn, void *ctx)
{
	struct sts_record_lookup *x = mem_must(sizeof(*x));
	struct str name;

	BUG(*handle != NULL);
	x->a = arena_must(0);
	x->handle = handle;
	x->env = env;
	x->fn = fn;
	x->ctx = ctx;
	x->started = loop_now(env->loop);
	name = arena_fmt(x->a, "_mta-sts.%.*s", STR_ARG(domain));
	dns_lookup_start(&x->dns, env->dns, name, DNS_TYPE_TXT,
		env->dns_ms > 0 ? env->dns_ms : STS_DISCOVER_DNS_MS, on_answer,
		x);
	*handle = x;
}

void sts_record_cancel(struct sts_record_lookup **handle)
{
	if (*handle != NULL)
		stop(*handle);
}

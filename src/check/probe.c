/* SPDX-License-Identifier: Apache-2.0 */
/* probe: the table of questions, and the answer as JSON. */
#include <stdarg.h>
#include <stdio.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/vec.h"
#include "check/probe_own.h"
#include "io/http_client.h"

#include "base/poison.h"

#define TEXT_MAX 512

static const struct {
	const char *name;
	void (*run)(struct job *j);
} kinds[] = {
	{ "address", probe_do_address },
	{ "authoritative", probe_do_authoritative },
	{ "caa", probe_do_caa },
	{ "cname", probe_do_cname },
	{ "http", probe_do_http },
	{ "https", probe_do_https },
	{ "lookup", probe_do_lookup },
	{ "mx", probe_do_mx },
	{ "reverse", probe_do_reverse },
	{ "soa", probe_do_soa },
	{ "txt", probe_do_txt },
};

enum status probe_open(
	const struct probe_options *o, struct probe **out, struct err *e)
{
	struct probe *p = mem_must(sizeof(*p));
	struct http_client_options http = {
		.ca_file = o->ca_file,
		.user_agent = "moat/" MOAT_VERSION,
		.timeout_ms = o->timeout_ms,
		.max_bytes = PROBE_BODY_BYTES_MAX,
		.allow_http = true,
		.allow_addr = o->allow_private ? NULL : addr_is_public,
		.stop = o->stop,
		.stop_ctx = o->stop_ctx,
	};
	enum status st;

	p->o = o;
	st = resolver_open(&o->resolver, &p->resolver, e);
	if (st == ST_OK) {
		p->http = http_client_new(&http);
		*out = p;
		p = NULL;
	}
	probe_close(&p);
	return st;
}

void probe_close(struct probe **p)
{
	if (*p == NULL)
		return;
	resolver_close(&(*p)->resolver);
	http_client_free(&(*p)->http);
	mem_free(*p);
	*p = NULL;
}

/* ---- what the handlers use */

void job_end(struct job *j, enum probe_result r, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	j->result = r;
	j->detail = arena_str(j->a, str_of(text));
}

void job_note(struct job *j, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)VEC_PUSH(j->a, &j->notes, arena_str(j->a, str_of(text)));
}

void job_found(struct job *j, struct str s)
{
	for (size_t i = 0; i < j->found.n; i++)
		if (str_eq(j->found.items[i], s))
			return;
	(void)VEC_PUSH(j->a, &j->found, s);
}

bool job_word(struct job *j, const char *name, struct str *out)
{
	*out = json_get_str(j->q, name);
	if (out->p != NULL)
		return true;
	job_end(j, PROBE_UNKNOWN, "the question has no member %s", name);
	return false;
}

bool job_may_reach(struct job *j, const struct addr *a)
{
	char text[64];
	struct sbuf b = sbuf_fixed(text, sizeof(text) - 1);

	if (j->p->o->allow_private || addr_is_public(a))
		return true;
	addr_write_ip(&b, a);
	text[b.n] = '\0';
	job_note(j, "%s is not a public address, so it is not asked", text);
	return false;
}

/* ---- question in, answer out */

static void write_answer(const struct job *j, struct sbuf *out)
{
	struct json_writer w = json_writer_of(out, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "result", probe_result_name(j->result));
	json_put_str(&w, "detail", j->detail);
	json_put_bool(&w, "missing", j->missing);
	json_put_strs(&w, "found", j->found.items, j->found.n);
	json_put_strs(&w, "notes", j->notes.items, j->notes.n);
	json_close_object(&w);
}

static void run_kind(struct job *j)
{
	struct str kind = json_get_str(j->q, "probe");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_eq(kind, str_of(kinds[i].name))) {
			kinds[i].run(j);
			return;
		}
	job_end(j, PROBE_UNKNOWN, "there is no such probe");
}

void probe_run(struct probe *p, struct arena *a, struct str question,
	struct sbuf *answer)
{
	struct job j = { .p = p, .a = a };
	struct json *q = NULL;
	struct err e = {};

	j.deadline.ms = clock_mono(clock_system()).ms + p->o->timeout_ms;
	if (json_parse(a, question, (struct json_limits){ 4, 2000 }, &q, NULL,
		    &e) != ST_OK) {
		job_end(&j, PROBE_UNKNOWN, "the question is no JSON: %s",
			e.text);
	} else {
		j.q = q;
		run_kind(&j);
	}
	/* An answer that ran out of memory has nothing to vouch with. */
	if (arena_full(a)) {
		j = (struct job){ .detail = STR("the answer is too large") };
	}
	write_answer(&j, answer);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_lookup: a query is taken from a free list with its arena, asked of the
 * stub or of libunbound, and comes back at the end of the turn in which it
 * ended. Both give a DNS message, which dns_reply.h reads.
 */
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/dns_check.h"
#include "io/dns_lookup.h"
#include "io/dns_stub.h"
#include "io/resolv_conf.h"
#include "io/resolver_event.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define ANSWER_BYTES_MAX (512u * 1024u)
#define FREE_MAX 512
#define CONF_LOOK_MS 1000
#define DNS_PORT 53
#define SERVER_TEXT_MAX 80
#define RCODE_MASK 15u

struct dns_query {
	struct dns_lookups *l;
	struct dns_query *next, *prev; /* running; next: free */
	struct dns_lookup *handle;
	struct dns_question question;
	struct str name; /* NUL-terminated */
	struct dns_stub_ask stub;
	struct resolver_event_ask event;
	bool event_running;
	struct loop_timer timer; /* libunbound's deadline */
	struct loop_task task;	 /* ends the query */
	enum status st;
	struct arena *arena;
	struct resolver_answer answer;
	struct err e;
	dns_lookup_fn *done;
	void *ctx;
};

struct dns_lookups {
	struct loop *loop;
	enum dns_lookup_mode mode;
	struct arena *arena; /* of the options */
	const struct resolver_stub *stubs;
	size_t n_stubs;
	const char *root_anchor;
	struct addr servers[DNS_LOOKUP_SERVERS_MAX];
	size_t n_servers;
	struct resolv_conf conf; /* path NULL: the servers were given */
	struct mono looked;	 /* at it, last */
	bool conf_failed;	 /* it could not be read then */
	struct dns_stub *stub;	 /* NULL: resolver */
	struct resolver_event *resolver;
	struct dns_query *running, *free;
	size_t n_free;
	struct dns_check check;
	struct dns_lookups_counts counts;
	bool closed;
};

/* ---- queries ------------------------------------------------------------- */

static void query_free(struct dns_query *q)
{
	arena_free(&q->arena);
	mem_free(q);
}

static struct dns_query *query_take(struct dns_lookups *l)
{
	struct dns_query *q = l->free;

	if (q != NULL) {
		l->free = q->next;
		l->n_free--;
	} else {
		q = mem_must(sizeof(*q));
		q->arena = arena_must(ANSWER_BYTES_MAX);
		q->l = l;
	}
	q->prev = NULL;
	q->next = l->running;
	if (q->next != NULL)
		q->next->prev = q;
	l->running = q;
	q->st = ST_OK;
	q->answer = (struct resolver_answer){};
	q->e.text[0] = '\0';
	return q;
}

static void query_recycle(void *ctx)
{
	struct dns_query *q = ctx;
	struct dns_lookups *l = q->l;

	if (l->closed || l->n_free == FREE_MAX) {
		query_free(q);
		return;
	}
	arena_reset(q->arena);
	q->next = l->free;
	l->free = q;
	l->n_free++;
}

/* It is asked of nobody any more. */
static void query_stop(struct dns_query *q)
{
	dns_stub_ask_cancel(&q->stub);
	if (q->event_running)
		resolver_event_ask_cancel(&q->event, q->l->resolver);
	q->event_running = false;
	loop_timer_stop(&q->timer);
	loop_task_stop(&q->task);
}

/* Leaves its handle; the memory of the answer stays until the turn ends. */
static void query_leave(struct dns_query *q)
{
	struct dns_lookups *l = q->l;

	query_stop(q);
	q->handle->query = NULL;
	q->handle = NULL;
	*(q->prev != NULL ? &q->prev->next : &l->running) = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	loop_defer(l->loop, query_recycle, q);
}

static void query_end(void *ctx)
{
	struct dns_query *q = ctx;
	struct dns_lookups_counts *n = &q->l->counts;

	n->failed += q->st != ST_OK;
	n->bogus += q->st == ST_OK && q->answer.security == RESOLVER_BOGUS;
	query_leave(q);
	q->done(q->ctx, q->st, q->st == ST_OK ? &q->answer : NULL, &q->e);
}

static void query_end_later(struct dns_query *q)
{
	loop_task_start(&q->task, q->l->loop, query_end, q);
}

static void query_read(
	struct dns_query *q, struct str msg, enum resolver_security security)
{
	q->st = dns_reply_read(q->arena, msg, &q->question, &q->answer, &q->e);
	q->answer.security = security;
	if (q->st == ST_INVALID)
		q->st = ST_TEMP; /* the question was good */
}

/* ---- the stub ------------------------------------------------------------ */

static void on_stub(void *ctx, enum status st, struct str msg,
	const struct dns_reply *reply, const struct err *e)
{
	struct dns_query *q = ctx;
	bool secure = q->l->mode == DNS_LOOKUP_TRUST && st == ST_OK &&
		      reply->authentic;

	q->st = st;
	if (st == ST_OK)
		query_read(
			q, msg, secure ? RESOLVER_SECURE : RESOLVER_INSECURE);
	else
		q->e = *e;
	query_end(q);
}

static void ask_stub(struct dns_query *q, int timeout_ms)
{
	struct dns_lookups *l = q->l;
	struct mono deadline = { loop_now(l->loop).ms + timeout_ms };

	dns_stub_ask_start(&q->stub, l->stub, &q->question,
		l->mode == DNS_LOOKUP_TRUST, deadline, on_stub, q);
}

/* ---- libunbound ---------------------------------------------------------- */

static enum status copy_bogus(
	struct dns_query *q, const struct resolver_event_answer *answer)
{
	q->answer.security = RESOLVER_BOGUS;
	q->answer.canonical = q->name;
	q->answer.why_bogus = arena_str(q->arena, answer->why_bogus);
	q->answer.rdata = arena_array(q->arena, 1, sizeof(struct str));
	return q->answer.why_bogus.p != NULL && q->answer.rdata != NULL
		       ? ST_OK
		       : err_set(&q->e, ST_LIMIT, "the answer is too large");
}

static void on_resolver(void *ctx, const struct resolver_event_answer *answer)
{
	struct dns_query *q = ctx;
	struct wire_in in = wire_in_of(answer->msg);
	unsigned rcode = dns_header_read(&in).flags & RCODE_MASK;

	q->event_running = false;
	if (answer->security == RESOLVER_BOGUS)
		q->st = copy_bogus(q, answer);
	else if (answer->failed)
		q->st = err_set(&q->e, ST_TEMP, "no server answers");
	else if (rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN)
		q->st = err_set(&q->e, ST_TEMP,
			"the resolver answers with rcode %u", rcode);
	else
		query_read(q, answer->msg, answer->security);
	query_end_later(q);
}

static void on_deadline(void *ctx)
{
	struct dns_query *q = ctx;

	q->st = err_set(&q->e, ST_TEMP, "no answer in time");
	query_end(q);
}

static void ask_resolver(struct dns_query *q)
{
	struct dns_lookups *l = q->l;
	enum status st;

	if (l->resolver == NULL)
		st = err_set(&q->e, ST_TEMP, "there is no resolver to ask");
	else {
		q->event_running = true;
		st = resolver_event_ask_start(&q->event, l->resolver, q->name.p,
			q->question.type, on_resolver, q, &q->e);
	}
	/* What libunbound remembers it has told by now: q->st is of that. */
	if (st == ST_OK)
		return;
	q->st = st;
	q->event_running = false;
	query_end_later(q);
}

/* ---- servers ------------------------------------------------------------- */

/* All that is under way is asked again of the new one. */
static void replace_resolver(
	struct dns_lookups *l, struct resolver_event *resolver)
{
	struct dns_query *q;

	for (q = l->running; q != NULL; q = q->next)
		if (q->event_running)
			resolver_event_ask_cancel(&q->event, l->resolver);
	resolver_event_close(&l->resolver);
	l->resolver = resolver;
	for (q = l->running; q != NULL; q = q->next)
		if (q->event_running)
			ask_resolver(q);
}

static enum status open_resolver(struct dns_lookups *l, struct err *e)
{
	struct str servers[DNS_LOOKUP_SERVERS_MAX];
	char text[DNS_LOOKUP_SERVERS_MAX][SERVER_TEXT_MAX];
	struct resolver_options o = { .servers = servers,
		.n_servers = l->n_servers,
		.stubs = l->stubs,
		.n_stubs = l->n_stubs,
		.dnssec = RESOLVER_VALIDATE,
		.root_anchor = l->root_anchor };
	struct resolver_event *resolver = NULL;
	enum status st = ST_OK;

	for (size_t i = 0; i < l->n_servers; i++) {
		struct sbuf b = sbuf_fixed(text[i], SERVER_TEXT_MAX);

		addr_write(&b, &l->servers[i]);
		servers[i] = sbuf_str(&b);
	}
	if (l->n_servers > 0)
		st = resolver_event_open(l->loop, &o, &resolver, e);
	if (st == ST_OK)
		replace_resolver(l, resolver);
	return st;
}

static enum status use_servers(struct dns_lookups *l, struct err *e)
{
	if (l->stub == NULL)
		return open_resolver(l, e);
	dns_stub_set_servers(l->stub, l->servers, l->n_servers);
	return ST_OK;
}

/* resolv.conf, looked at once a second at most, and only when it matters. */
static void follow_conf(struct dns_lookups *l)
{
	struct mono now = loop_now(l->loop);
	enum status st;
	bool changed;
	struct err e = {};

	if (l->conf.path == NULL || now.ms < l->looked.ms + CONF_LOOK_MS)
		return;
	l->looked = now;
	st = resolv_conf_read(&l->conf, &changed, &e);
	if (st != ST_OK && !l->conf_failed)
		LOG(LOG_WARN, "dns.no_resolver", KV_Z("why", e.text));
	l->conf_failed = st != ST_OK;
	if (!changed)
		return;
	l->n_servers = l->conf.n_servers;
	for (size_t i = 0; i < l->n_servers; i++)
		l->servers[i] = l->conf.servers[i];
	if (use_servers(l, &e) != ST_OK) {
		LOG(LOG_ERROR, "dns.no_resolver", KV_Z("why", e.text));
		replace_resolver(l, NULL);
	}
	LOG(LOG_INFO, "dns.resolvers", KV_Z("file", l->conf.path),
		KV_INT("servers", (int64_t)l->n_servers));
	dns_check_restart(&l->check);
}

static enum status read_servers(struct dns_lookups *l,
	const struct dns_lookups_options *o, struct err *e)
{
	bool changed;

	if (o->n_servers > DNS_LOOKUP_SERVERS_MAX)
		return err_set(e, ST_PERM, "there are more than %d resolvers",
			DNS_LOOKUP_SERVERS_MAX);
	l->n_servers = o->n_servers;
	for (size_t i = 0; i < o->n_servers; i++)
		if (addr_parse(o->servers[i], DNS_PORT, &l->servers[i]) !=
			ST_OK)
			return err_set(e, ST_PERM,
				"resolver %.*s: not an address",
				STR_ARG(o->servers[i]));
	if (o->n_servers > 0)
		return ST_OK;
	l->conf.path = o->resolv_conf == NULL
			       ? RESOLV_CONF_PATH
			       : arena_str(l->arena, str_of(o->resolv_conf)).p;
	l->looked = loop_now(l->loop);
	l->conf_failed = resolv_conf_read(&l->conf, &changed, e) != ST_OK;
	if (l->conf_failed)
		LOG(LOG_WARN, "dns.no_resolver", KV_Z("why", e->text));
	l->n_servers = l->conf.n_servers;
	for (size_t i = 0; i < l->n_servers; i++)
		l->servers[i] = l->conf.servers[i];
	return ST_OK;
}

static void copy_options(
	struct dns_lookups *l, const struct dns_lookups_options *o)
{
	struct resolver_stub *stubs = arena_array(
		l->arena, o->n_stubs + 1, sizeof(*stubs));

	for (size_t i = 0; i < o->n_stubs; i++) {
		stubs[i].zone = arena_str(l->arena, o->stubs[i].zone);
		stubs[i].server = arena_str(l->arena, o->stubs[i].server);
	}
	l->stubs = stubs;
	l->n_stubs = o->n_stubs;
	l->root_anchor = arena_str(l->arena, str_of(o->root_anchor)).p;
	l->check.name = arena_str(l->arena, o->check_name);
	l->check.bogus_name = arena_str(l->arena, o->bogus_name);
	l->check.validates = o->mode == DNS_LOOKUP_VALIDATE;
	l->check.state = o->mode == DNS_LOOKUP_OFF ? DNS_DNSSEC_OFF
						   : DNS_DNSSEC_UNKNOWN;
}

/* ---- exported ------------------------------------------------------------ */

enum status dns_lookups_open(struct loop *loop,
	const struct dns_lookups_options *o, struct dns_lookups **out,
	struct err *e)
{
	struct dns_lookups *l = mem_must(sizeof(*l));
	enum status st;

	l->loop = loop;
	l->mode = o->mode;
	l->arena = arena_must(0);
	copy_options(l, o);
	if (o->mode != DNS_LOOKUP_VALIDATE)
		l->stub = dns_stub_new(loop);
	st = read_servers(l, o, e);
	if (st == ST_OK)
		st = use_servers(l, e);
	if (st == ST_OK) {
		*out = l;
		l = NULL;
	}
	dns_lookups_close(&l);
	return st;
}

static void lookups_destroy(void *ctx)
{
	struct dns_lookups *l = ctx;

	while (l->free != NULL) {
		struct dns_query *q = l->free;

		l->free = q->next;
		query_free(q);
	}
	arena_free(&l->arena);
	mem_free(l);
}

void dns_lookups_close(struct dns_lookups **l)
{
	if (*l == NULL)
		return;
	dns_check_stop(&(*l)->check);
	while ((*l)->running != NULL)
		query_leave((*l)->running);
	dns_stub_free(&(*l)->stub);
	resolver_event_close(&(*l)->resolver);
	(*l)->closed = true;
	loop_defer((*l)->loop, lookups_destroy, *l);
	*l = NULL;
}

void dns_lookup_start(struct dns_lookup *handle, struct dns_lookups *l,
	struct str name, uint16_t type, int timeout_ms, dns_lookup_fn *done,
	void *ctx)
{
	struct dns_query *q;

	BUG(handle->query != NULL);
	follow_conf(l);
	q = query_take(l);
	handle->query = q;
	q->handle = handle;
	q->done = done;
	q->ctx = ctx;
	q->question.type = type;
	q->question.class = DNS_CLASS_IN;
	q->name = arena_str(q->arena, name);
	l->counts.started++;
	if (q->name.p == NULL ||
		dns_name_parse(name, &q->question.name) != ST_OK) {
		q->st = err_set(&q->e, ST_INVALID, "not a domain name");
		query_end_later(q);
	} else if (l->stub != NULL) {
		ask_stub(q, timeout_ms);
	} else {
		loop_timer_start(
			&q->timer, l->loop, timeout_ms, on_deadline, q);
		ask_resolver(q);
	}
}

void dns_lookup_cancel(struct dns_lookup *handle)
{
	if (handle->query != NULL)
		query_leave(handle->query);
}

void dns_lookups_check_start(
	struct dns_lookups *l, dns_check_fn *changed, void *ctx)
{
	dns_check_start(&l->check, l->loop, l, changed, ctx);
}

enum dns_dnssec dns_lookups_dnssec(const struct dns_lookups *l, struct err *why)
{
	enum dns_dnssec state = l->check.state;

	if (state == DNS_DNSSEC_OFF)
		(void)err_set(why, ST_PERM, "DNSSEC is switched off");
	else if (state == DNS_DNSSEC_BROKEN && why != NULL)
		*why = l->check.why;
	return state;
}

struct dns_lookups_counts dns_lookups_counts(const struct dns_lookups *l)
{
	struct dns_lookups_counts n = l->counts;
	struct dns_stub_counts s = {};

	if (l->stub != NULL)
		s = dns_stub_counts(l->stub);
	n.sent = s.sent;
	n.retried = s.retried;
	n.tcp = s.tcp;
	n.ignored = s.ignored;
	return n;
}

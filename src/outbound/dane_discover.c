/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dane_discover: RFC 7672 section 2.2. A run asks for the MX records; then each
 * host goes through its stages in one of a few slots, which take the next host
 * when they are done with one.
 */
#include "base/bug.h"
#include "base/mem.h"
#include "base/vec.h"
#include "outbound/dane_discover.h"
#include "proto/dns_rr.h"
#include "proto/host_name.h"
#include "proto/policy_domain.h"
#include "proto/tlsa.h"

#include "base/poison.h"

#define LOOKUP_MS 5000
#define BASES_MAX 2
#define STEP_TEXT_MAX 4096
#define STEP_RECORDS_MAX 16
#define TTL_RETRY_S 300 /* when the look-ups of some host failed */

/* One host being looked up. */
struct slot {
	struct dane_run *run;
	struct mx_host *host; /* NULL: free */
	struct dns_lookup lookup;
	uint16_t type;	     /* being asked for */
	bool address_failed; /* A did; AAAA is asked */
	/* TLSA base domains to try, best first (RFC 7672 section 2.2.3). */
	struct str bases[BASES_MAX];
	size_t n_bases, base;
};

struct steps {
	struct dane_step *items;
	size_t n, cap;
};

struct hosts {
	struct mx_host *items;
	size_t n, cap;
};

struct dane_run {
	struct dane_discover *handle;
	struct dane_discover_env env;
	struct arena *arena;
	struct dane_target target;
	struct dane_result *r;
	struct steps steps;
	struct dns_lookup mx;
	struct slot slots[DANE_PARALLEL_MAX];
	size_t next_host; /* the first that no slot has taken */
	uint32_t ttl_s;
	struct loop_timer deadline;
	struct loop_task task;
	dane_discover_fn *done;
	void *ctx;
};

static void ask(struct slot *s, struct str name, uint16_t type);

/* ---- evidence ------------------------------------------------------------ */

static enum dane_outcome outcome_of(
	enum status st, const struct resolver_answer *a)
{
	if (st != ST_OK)
		return DANE_LOOKUP_FAILED;
	if (a->security == RESOLVER_BOGUS)
		return DANE_LOOKUP_BOGUS;
	if (a->n > 0)
		return DANE_LOOKUP_FOUND;
	return a->nxdomain ? DANE_LOOKUP_NXDOMAIN : DANE_LOOKUP_NODATA;
}

static void write_tlsa(struct sbuf *b, struct str rdata)
{
	struct tlsa t;

	if (tlsa_parse(rdata, &t) != ST_OK) {
		sbuf_addz(b, "(malformed)");
		return;
	}
	tlsa_write(b, &t);
	if (tlsa_fault(&t) != TLSA_USABLE)
		sbuf_fmt(b, " (%s)", tlsa_fault_text(tlsa_fault(&t)));
}

static struct str step_text(struct dane_run *run, uint16_t type, enum status st,
	const struct resolver_answer *a, const struct err *e)
{
	struct sbuf b = sbuf_arena(run->arena, STEP_TEXT_MAX);

	if (st != ST_OK)
		return arena_str(run->arena, str_of(e->text));
	if (a->security == RESOLVER_BOGUS)
		return arena_str(run->arena, a->why_bogus);
	for (size_t i = 0; i < a->n && i < STEP_RECORDS_MAX; i++) {
		sbuf_addz(&b, i == 0 ? "" : ", ");
		if (type == DNS_TYPE_TLSA)
			write_tlsa(&b, a->rdata[i]);
		else
			dns_rdata_write(&b, type, a->rdata[i]);
	}
	return sbuf_str(&b);
}

/* Keeps what was seen, for explain, and its TTL, for the result. */
static void note(struct dane_run *run, struct str name, uint16_t type,
	enum status st, const struct resolver_answer *a, const struct err *e)
{
	struct dane_step step = { .name = arena_str(run->arena, name),
		.type = type,
		.outcome = outcome_of(st, a),
		.text = step_text(run, type, st, a, e) };

	if (st == ST_OK) {
		step.secure = a->security == RESOLVER_SECURE;
		step.ttl_s = a->ttl;
		if (a->ttl < run->ttl_s && a->security != RESOLVER_BOGUS)
			run->ttl_s = a->ttl;
	}
	/* Without memory there is less to show, and nothing else is lost. */
	(void)VEC_PUSH(run->arena, &run->steps, step);
}

static bool is_bad(enum status st, const struct resolver_answer *a)
{
	return st != ST_OK || a->security == RESOLVER_BOGUS;
}

/* ---- the end ------------------------------------------------------------- */

static void run_destroy(void *ctx)
{
	mem_free(ctx);
}

static void run_stop(struct dane_run *run)
{
	dns_lookup_cancel(&run->mx);
	for (size_t i = 0; i < DANE_PARALLEL_MAX; i++)
		dns_lookup_cancel(&run->slots[i].lookup);
	loop_timer_stop(&run->deadline);
	loop_task_stop(&run->task);
	run->handle->run = NULL;
	loop_defer(run->env.loop, run_destroy, run);
}

static uint32_t ttl_of(const struct dane_run *run)
{
	const struct dane_result *r = run->r;
	uint32_t ttl = run->ttl_s;

	for (size_t i = 0; i < r->n_mx; i++)
		if ((r->mx[i].dane == DANE_HOST_TEMP ||
			    r->mx[i].dane == DANE_HOST_BROKEN) &&
			ttl > TTL_RETRY_S)
			ttl = TTL_RETRY_S;
	if (ttl < DANE_TTL_MIN_S)
		return DANE_TTL_MIN_S;
	return ttl > DANE_TTL_MAX_S ? DANE_TTL_MAX_S : ttl;
}

/* It may be well again at any moment; what is off stays off. */
static bool dnssec_broken(const struct dane_run *run)
{
	return dns_lookups_dnssec(run->env.lookups, NULL) == DNS_DNSSEC_BROKEN;
}

static bool dnssec_off(const struct dane_run *run, struct err *why)
{
	enum dns_dnssec state = dns_lookups_dnssec(run->env.lookups, why);

	return state == DNS_DNSSEC_OFF || state == DNS_DNSSEC_BROKEN;
}

/* The last thing a run does; why is set unless DNSSEC is off. */
static void run_end(struct dane_run *run, enum dane_state state)
{
	dane_discover_fn *done = run->done;
	struct dane_result *r = run->r;
	void *ctx = run->ctx;

	r->state = dnssec_off(run, &r->why) ? DANE_OFF : state;
	r->ttl_s = state == DANE_TEMP || dnssec_broken(run) ? DANE_TTL_TEMP_S
							    : ttl_of(run);
	r->steps = run->steps.items;
	r->n_steps = run->steps.n;
	run_stop(run);
	done(ctx, r);
}

static void count_hosts(struct dane_run *run)
{
	struct dane_result *r = run->r;
	size_t reached = 0;

	for (size_t i = 0; i < r->n_mx; i++) {
		enum dane_host h = r->mx[i].dane;

		r->n_usable += h == DANE_HOST_USABLE;
		r->n_unusable += h == DANE_HOST_UNUSABLE;
		reached += h != DANE_HOST_UNKNOWN &&
			   h != DANE_HOST_NO_ADDRESS && h != DANE_HOST_BROKEN;
	}
	(void)err_set(&r->why, ST_OK,
		"of %zu mail hosts %zu can be reached, %zu with usable TLSA "
		"records, %zu with unusable ones",
		r->n_mx, reached, r->n_usable, r->n_unusable);
}

static void hosts_end(struct dane_run *run)
{
	count_hosts(run);
	run_end(run, dane_state_of(run->r->mx, run->r->n_mx));
}

/* ---- one host ------------------------------------------------------------ */

/* Gives a free slot its next host; false: there is none. */
static bool slot_next(struct slot *s)
{
	struct dane_run *run = s->run;

	s->host = NULL;
	if (run->next_host == run->r->n_mx || run->next_host == DANE_HOSTS_MAX)
		return false;
	s->host = &run->r->mx[run->next_host++];
	s->address_failed = false;
	s->n_bases = s->base = 0;
	ask(s, s->host->name, DNS_TYPE_A);
	return true;
}

static void host_is(struct slot *s, enum dane_host what)
{
	struct dane_run *run = s->run;

	s->host->dane = what;
	if (slot_next(s))
		return;
	for (size_t i = 0; i < DANE_PARALLEL_MAX; i++)
		if (run->slots[i].host != NULL)
			return;
	hosts_end(run);
}

static struct str tlsa_name(const struct slot *s)
{
	struct str base = s->bases[s->base];

	if (base.p == NULL)
		return base;
	return arena_fmt(s->run->arena, "_%u._tcp.%.*s", s->run->target.port,
		STR_ARG(base));
}

static void ask_tlsa(struct slot *s)
{
	struct str name;

	if (s->base == s->n_bases) {
		host_is(s, DANE_HOST_NONE);
		return;
	}
	name = tlsa_name(s);
	if (name.p == NULL) /* the arena's cap: nothing is proven */
		host_is(s, DANE_HOST_TEMP);
	else
		ask(s, name, DNS_TYPE_TLSA);
}

static bool has_usable(const struct resolver_answer *a)
{
	struct tlsa t;

	for (size_t i = 0; i < a->n; i++)
		if (tlsa_parse(a->rdata[i], &t) == ST_OK &&
			tlsa_fault(&t) == TLSA_USABLE)
			return true;
	return false;
}

static void on_tlsa(
	struct slot *s, enum status st, const struct resolver_answer *a)
{
	/* ST_INVALID: the name is too long to exist. */
	if (st != ST_INVALID && is_bad(st, a)) {
		host_is(s, DANE_HOST_TEMP);
		return;
	}
	if (st == ST_INVALID || a->n == 0 || a->security != RESOLVER_SECURE) {
		s->base++;
		ask_tlsa(s);
		return;
	}
	s->host->tlsa_base = s->bases[s->base];
	host_is(s, has_usable(a) ? DANE_HOST_USABLE : DANE_HOST_UNUSABLE);
}

/* Is the alias itself signed, though what it leads to is not? */
static void on_cname(
	struct slot *s, enum status st, const struct resolver_answer *a)
{
	if (is_bad(st, a)) {
		host_is(s, DANE_HOST_TEMP);
		return;
	}
	if (a->n > 0 && a->security == RESOLVER_SECURE)
		s->bases[s->n_bases++] = s->host->name;
	ask_tlsa(s);
}

/*
 * RFC 7672 section 2.2.3: where all of a chain of CNAMEs is secure, its end
 * comes first and the name in the MX record next; where only the beginning is,
 * that name alone.
 */
static void on_addresses(struct slot *s, const struct resolver_answer *a)
{
	bool alias = !str_eq_nocase(a->canonical, s->host->name);

	if (a->security == RESOLVER_SECURE) {
		if (alias)
			s->bases[s->n_bases++] = arena_str(
				s->run->arena, a->canonical);
		s->bases[s->n_bases++] = s->host->name;
		ask_tlsa(s);
	} else if (alias) {
		ask(s, s->host->name, DNS_TYPE_CNAME);
	} else {
		host_is(s, DANE_HOST_NONE);
	}
}

static void on_a(
	struct slot *s, enum status st, const struct resolver_answer *a)
{
	s->address_failed = is_bad(st, a);
	if (!s->address_failed && a->n > 0)
		on_addresses(s, a);
	else if (!s->address_failed && a->nxdomain)
		host_is(s, DANE_HOST_NO_ADDRESS);
	else
		ask(s, s->host->name, DNS_TYPE_AAAA);
}

static void on_aaaa(
	struct slot *s, enum status st, const struct resolver_answer *a)
{
	if (!is_bad(st, a) && a->n > 0)
		on_addresses(s, a);
	else if (is_bad(st, a) || s->address_failed)
		host_is(s, DANE_HOST_BROKEN);
	else
		host_is(s, DANE_HOST_NO_ADDRESS);
}

static void on_host(void *ctx, enum status st, const struct resolver_answer *a,
	const struct err *e)
{
	struct slot *s = ctx;
	struct str name = s->host->name;

	if (s->type == DNS_TYPE_TLSA)
		name = tlsa_name(s);
	note(s->run, name, s->type, st, a, e);
	switch (s->type) {
	case DNS_TYPE_A:
		on_a(s, st, a);
		break;
	case DNS_TYPE_AAAA:
		on_aaaa(s, st, a);
		break;
	case DNS_TYPE_CNAME:
		on_cname(s, st, a);
		break;
	default:
		on_tlsa(s, st, a);
		break;
	}
}

static void ask(struct slot *s, struct str name, uint16_t type)
{
	s->type = type;
	dns_lookup_start(&s->lookup, s->run->env.lookups, name, type, LOOKUP_MS,
		on_host, s);
}

static void hosts_begin(struct dane_run *run)
{
	for (size_t i = 0; i < DANE_PARALLEL_MAX; i++) {
		run->slots[i].run = run;
		if (!slot_next(&run->slots[i]))
			break;
	}
}

/* ---- MX ------------------------------------------------------------------ */

static bool comes_before(const struct mx_host *a, const struct mx_host *b)
{
	return a->preference != b->preference ? a->preference < b->preference
					      : str_cmp(a->name, b->name) < 0;
}

/* The host at its place in the order; one given twice counts where it is
 * preferred. */
static void add_host(
	struct dane_run *run, struct hosts *hosts, struct mx_host host)
{
	size_t at = hosts->n;

	for (size_t i = 0; i < hosts->n; i++) {
		if (!str_eq(hosts->items[i].name, host.name))
			continue;
		if (hosts->items[i].preference <= host.preference)
			return;
		hosts->n--;
		for (; i < hosts->n; i++)
			hosts->items[i] = hosts->items[i + 1];
		at = hosts->n;
	}
	if (!VEC_PUSH(run->arena, hosts, host))
		return;
	for (; at > 0 && comes_before(&host, &hosts->items[at - 1]); at--) {
		hosts->items[at] = hosts->items[at - 1];
		hosts->items[at - 1] = host;
	}
}

/* One record; what is no host name leads nowhere and is left out. */
static void add_mx(struct dane_run *run, struct hosts *hosts, struct str rdata)
{
	char p[DNS_NAME_TEXT_MAX];
	struct sbuf b = sbuf_fixed(p, sizeof(p));
	struct mx_host host = {};
	struct dns_name name;

	if (dns_mx_read(rdata, &host.preference, &name) != ST_OK)
		return;
	dns_name_write(&b, &name);
	if (host_name_parse(run->arena, sbuf_str(&b), &host.name, NULL) ==
		ST_OK)
		add_host(run, hosts, host);
}

/* RFC 7505 section 3: one record, and its host is the root. */
static bool is_null_mx(const struct resolver_answer *a)
{
	struct dns_name name;
	uint16_t preference;

	return a->n == 1 &&
	       dns_mx_read(a->rdata[0], &preference, &name) == ST_OK &&
	       name.n == 1;
}

static void take_hosts(struct dane_run *run, const struct resolver_answer *a)
{
	struct dane_result *r = run->r;
	struct hosts hosts = {};

	r->implicit_mx = a->n == 0;
	if (r->implicit_mx)
		add_host(run, &hosts,
			(struct mx_host){ .name = run->target.host });
	for (size_t i = 0; i < a->n; i++)
		add_mx(run, &hosts, a->rdata[i]);
	r->mx_cut = hosts.n > DANE_MX_MAX;
	r->mx = hosts.items;
	r->n_mx = r->mx_cut ? DANE_MX_MAX : hosts.n;
}

static void absent(struct dane_run *run, const char *why)
{
	(void)err_set(&run->r->why, ST_OK, "%s", why);
	run_end(run, DANE_ABSENT);
}

static void judge_mx(struct dane_run *run, const struct resolver_answer *a)
{
	struct dane_result *r = run->r;

	r->mx_known = true;
	r->mx_secure = a->security == RESOLVER_SECURE;
	r->null_mx = is_null_mx(a);
	if (!r->null_mx && !a->nxdomain)
		take_hosts(run, a);
	if (a->nxdomain)
		absent(run, "the domain does not exist");
	else if (r->null_mx)
		absent(run, "the domain takes no mail (RFC 7505)");
	else if (r->n_mx == 0)
		absent(run, "no MX record names a host");
	else if (!r->mx_secure)
		absent(run, "the MX records are not signed "
			    "(RFC 7672 section 2.2.1)");
	else if (dnssec_off(run, NULL))
		run_end(run, DANE_OFF);
	else
		hosts_begin(run);
}

static void on_mx(void *ctx, enum status st, const struct resolver_answer *a,
	const struct err *e)
{
	struct dane_run *run = ctx;

	note(run, run->target.host, DNS_TYPE_MX, st, a, e);
	if (st == ST_INVALID) {
		absent(run, "not a domain name");
		return;
	}
	if (!is_bad(st, a)) {
		judge_mx(run, a);
		return;
	}
	(void)err_set(&run->r->why, ST_TEMP, "the MX look-up failed: %s",
		st != ST_OK ? e->text : "its signatures are bogus");
	run_end(run, DANE_TEMP);
}

/* ---- a run --------------------------------------------------------------- */

/* What is not known by now did not want to be. */
static void on_deadline(void *ctx)
{
	struct dane_run *run = ctx;
	size_t n = run->r->n_mx < DANE_HOSTS_MAX ? run->r->n_mx
						 : DANE_HOSTS_MAX;

	if (!run->r->mx_known) {
		(void)err_set(&run->r->why, ST_TEMP,
			"the MX look-up failed: no answer in time");
		run_end(run, DANE_TEMP);
		return;
	}
	for (size_t i = 0; i < DANE_PARALLEL_MAX; i++) {
		struct slot *s = &run->slots[i];

		if (s->host != NULL)
			s->host->dane = s->n_bases == 0 ? DANE_HOST_BROKEN
							: DANE_HOST_TEMP;
	}
	for (size_t i = run->next_host; i < n; i++)
		run->r->mx[i].dane = DANE_HOST_TEMP;
	hosts_end(run);
}

static void begin_given(void *ctx)
{
	struct dane_run *run = ctx;
	struct hosts hosts = {};

	add_host(run, &hosts, (struct mx_host){ .name = run->target.host });
	run->r->mx_known = run->r->mx_secure = true;
	run->r->mx = hosts.items;
	run->r->n_mx = hosts.n;
	if (hosts.n == 0 || dnssec_off(run, NULL))
		run_end(run, DANE_TEMP);
	else
		hosts_begin(run);
}

void dane_discover_start(struct dane_discover *d,
	const struct dane_discover_env *env, struct arena *a,
	const struct dane_target *target, dane_discover_fn *done, void *ctx)
{
	struct dane_run *run = mem_must(sizeof(*run));

	BUG(d->run != NULL);
	*run = (struct dane_run){ .handle = d,
		.env = *env,
		.arena = a,
		.target = { .host = arena_str(a, target->host),
			.port = target->port == 0 ? SMTP_PORT : target->port,
			.given_host = target->given_host },
		.r = arena_alloc(a, sizeof(*run->r)),
		.ttl_s = DANE_TTL_MAX_S,
		.done = done,
		.ctx = ctx };
	BUG(run->r == NULL || run->target.host.p == NULL);
	d->run = run;
	loop_timer_start(
		&run->deadline, env->loop, env->timeout_ms, on_deadline, run);
	if (target->given_host)
		loop_task_start(&run->task, env->loop, begin_given, run);
	else
		dns_lookup_start(&run->mx, env->lookups, run->target.host,
			DNS_TYPE_MX, LOOKUP_MS, on_mx, run);
}

void dane_discover_cancel(struct dane_discover *d)
{
	if (d->run != NULL)
		run_stop(d->run);
}

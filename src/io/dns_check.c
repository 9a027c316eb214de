/* SPDX-License-Identifier: Apache-2.0 */
/* dns_check: a name that must be secure, then one that must not be. */
#include "base/log.h"
#include "io/dns_check.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define LOOKUP_MS 5000
#define AGAIN_MS 1000 /* while UNKNOWN */

static void begin(void *ctx);

static void again(struct dns_check *c)
{
	int64_t ms = AGAIN_MS;

	if (c->state == DNS_DNSSEC_GOOD && c->tries == 0)
		ms = DNS_LOOKUP_CHECK_S * 1000;
	else if (c->state != DNS_DNSSEC_UNKNOWN)
		ms = DNS_LOOKUP_RECHECK_S * 1000;
	loop_timer_start(&c->timer, c->loop, ms, begin, c);
}

/* The test has ended with this; the call of changed comes last. */
static void settle(struct dns_check *c, enum dns_dnssec state)
{
	bool changes = c->state != state;

	c->state = state;
	again(c);
	if (!changes)
		return;
	if (state == DNS_DNSSEC_GOOD)
		LOG(LOG_INFO, "dns.dnssec_good", KV_STR("name", c->name));
	else if (state == DNS_DNSSEC_BROKEN)
		LOG(LOG_ERROR, "dns.dnssec_broken", KV_Z("why", c->why.text));
	if (c->changed != NULL)
		c->changed(c->ctx, state);
}

static void good(struct dns_check *c)
{
	c->tries = 0;
	c->good = loop_now(c->loop);
	c->why.text[0] = '\0';
	settle(c, DNS_DNSSEC_GOOD);
}

static void broken(struct dns_check *c, const char *said)
{
	(void)err_set(&c->why, ST_PERM, "%s", said);
	settle(c, DNS_DNSSEC_BROKEN);
}

/* No answer proves nothing against what has been good once. */
static void no_answer(struct dns_check *c, const struct err *e)
{
	c->tries++;
	if (c->state == DNS_DNSSEC_UNKNOWN &&
		c->tries >= DNS_LOOKUP_CHECK_TRIES) {
		broken(c, e->text);
		return;
	}
	LOG(LOG_WARN, "dns.dnssec_no_answer", KV_STR("name", c->name),
		KV_Z("why", e->text));
	settle(c, c->state);
}

/*
 * Whoever forges for the resolver we ask can strip signatures: that must not
 * switch DANE off while what is bogus makes mail wait.
 */
static void bogus(struct dns_check *c, struct str why)
{
	int64_t since = loop_now(c->loop).ms - c->good.ms;
	struct err said = {};

	(void)err_set(
		&said, ST_PERM, "a signed name is bogus: %.*s", STR_ARG(why));
	if (!c->validates || c->state != DNS_DNSSEC_GOOD ||
		since >= DNS_LOOKUP_KEEP_S * INT64_C(1000)) {
		broken(c, said.text);
		return;
	}
	c->tries++;
	LOG(LOG_ERROR, "dns.dnssec_bogus", KV_STR("name", c->name),
		KV_Z("why", said.text));
	settle(c, DNS_DNSSEC_GOOD);
}

static void on_bogus_name(void *ctx, enum status st,
	const struct resolver_answer *a, const struct err *e)
{
	struct dns_check *c = ctx;

	(void)e; /* SERVFAIL is what a resolver that validates says */
	if (st == ST_OK && a->security == RESOLVER_SECURE)
		broken(c, "the resolver calls a name with a broken signature "
			  "secure");
	else
		good(c);
}

static void on_name(void *ctx, enum status st, const struct resolver_answer *a,
	const struct err *e)
{
	struct dns_check *c = ctx;

	if (st != ST_OK) {
		no_answer(c, e);
	} else if (a->security == RESOLVER_BOGUS) {
		bogus(c, a->why_bogus);
	} else if (a->security != RESOLVER_SECURE) {
		broken(c, "the resolver does not call a signed name secure "
			  "(no AD bit)");
	} else if (c->bogus_name.n > 0) {
		dns_lookup_start(&c->lookup, c->lookups, c->bogus_name,
			DNS_TYPE_A, LOOKUP_MS, on_bogus_name, c);
	} else {
		good(c);
	}
}

/* The root's NS are small and in every cache; another name has its SOA. */
static void begin(void *ctx)
{
	struct dns_check *c = ctx;
	bool root = c->name.n == 0 || str_eq(c->name, STR("."));

	dns_lookup_cancel(&c->lookup); /* the servers have just changed */
	dns_lookup_start(&c->lookup, c->lookups, root ? STR(".") : c->name,
		root ? DNS_TYPE_NS : DNS_TYPE_SOA, LOOKUP_MS, on_name, c);
}

void dns_check_start(struct dns_check *c, struct loop *l,
	struct dns_lookups *lookups, dns_check_fn *changed, void *ctx)
{
	if (c->state == DNS_DNSSEC_OFF)
		return;
	c->loop = l;
	c->lookups = lookups;
	c->changed = changed;
	c->ctx = ctx;
	begin(c);
}

void dns_check_restart(struct dns_check *c)
{
	if (c->loop == NULL)
		return;
	dns_lookup_cancel(&c->lookup);
	c->state = DNS_DNSSEC_UNKNOWN;
	c->tries = 0;
	loop_timer_start(&c->timer, c->loop, 0, begin, c);
}

void dns_check_stop(struct dns_check *c)
{
	dns_lookup_cancel(&c->lookup);
	loop_timer_stop(&c->timer);
	c->loop = NULL;
}

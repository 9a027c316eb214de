/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_zone: who answers for a name, and asking them all. What a customer has
 * just changed shows at the authoritative servers first; caches between may
 * hold the old for hours.
 */

#include "base/vec.h"
#include "check/probe_own.h"

#include "base/poison.h"

struct str probe_name_text(struct job *j, const struct dns_name *name)
{
	struct dns_name lower = *name;
	struct sbuf b = sbuf_arena(j->a, DNS_NAME_TEXT_MAX);

	dns_name_lower(&lower);
	dns_name_write(&b, &lower);
	return sbuf_str(&b);
}

static void add_addresses(
	struct job *j, struct str name, uint16_t type, struct servers *out)
{
	struct resolver_answer ans;
	struct err e = {};

	if (resolver_lookup(j->p->resolver, name, type, j->deadline, j->a, &ans,
		    &e) != ST_OK) {
		job_note(j, "%.*s: %s", STR_ARG(name), e.text);
		return;
	}
	for (size_t i = 0; i < ans.n && out->n < PROBE_SERVERS_MAX; i++) {
		struct asked s = { .name = name };

		if (ans.rdata[i].n != 4 && ans.rdata[i].n != 16)
			continue;
		s.addr = addr_of_bytes(ans.rdata[i], j->p->o->dns_port);
		if (job_may_reach(j, &s.addr))
			(void)VEC_PUSH(j->a, out, s);
	}
}

/* The longest zone with stubs that name is in; p == NULL: none. */
static struct str find_stubs(struct job *j, const struct dns_name *name)
{
	const struct resolver_options *o = &j->p->o->resolver;
	struct str best = {};
	struct dns_name zone;

	for (size_t i = 0; i < o->n_stubs; i++)
		if (dns_name_parse(o->stubs[i].zone, &zone) == ST_OK &&
			dns_name_is_in(name, &zone) &&
			(best.p == NULL || o->stubs[i].zone.n > best.n))
			best = o->stubs[i].zone;
	return best;
}

static enum status use_stubs(
	struct job *j, struct str zone, struct servers *out, struct err *e)
{
	const struct resolver_options *o = &j->p->o->resolver;

	for (size_t i = 0; i < o->n_stubs && out->n < PROBE_SERVERS_MAX; i++) {
		struct asked s = { .name = o->stubs[i].server };

		if (!str_eq_nocase(o->stubs[i].zone, zone))
			continue;
		if (addr_parse(s.name, 53, &s.addr) != ST_OK)
			return err_set(
				e, ST_PERM, "the stub's address is wrong");
		(void)VEC_PUSH(j->a, out, s);
	}
	return ST_OK;
}

/* The NS records of exactly this name; n == 0: it is no zone of its own. */
static enum status zone_here(struct job *j, const struct dns_name *name,
	struct resolver_answer *ans, struct err *e)
{
	struct str text = probe_name_text(j, name);
	enum status st = resolver_lookup(
		j->p->resolver, text, DNS_TYPE_NS, j->deadline, j->a, ans, e);

	/* A CNAME leads away to somebody else's name servers. */
	if (st == ST_OK && !str_eq_nocase(ans->canonical, text))
		ans->n = 0;
	return st;
}

enum status probe_zone_servers(
	struct job *j, struct str name, struct servers *out, struct err *e)
{
	struct resolver_answer ans = {};
	struct dns_name zone, ns;
	struct str stubs;
	enum status st;

	if (dns_name_parse(name, &zone) != ST_OK)
		return err_set(e, ST_INVALID, "not a domain name");
	stubs = find_stubs(j, &zone);
	if (stubs.p != NULL)
		return use_stubs(j, stubs, out, e);
	for (;;) {
		st = zone_here(j, &zone, &ans, e);
		if (st != ST_OK)
			return st;
		if (ans.n > 0)
			break;
		if (!dns_name_cut(&zone) || zone.n == 1)
			return err_set(e, ST_TEMP, "no name servers found");
	}
	for (size_t i = 0; i < ans.n; i++) {
		if (dns_rr_name_read(ans.rdata[i], &ns) != ST_OK)
			continue;
		add_addresses(j, probe_name_text(j, &ns), DNS_TYPE_A, out);
		add_addresses(j, probe_name_text(j, &ns), DNS_TYPE_AAAA, out);
	}
	if (out->n == 0)
		return err_set(e, ST_TEMP,
			"no name server of the zone has an address we may ask");
	return ST_OK;
}

size_t probe_ask_servers(struct job *j, struct servers *s,
	const struct dns_name *name, uint16_t type)
{
	size_t answered = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct asked *q = &s->items[i];
		enum status st = dns_client_ask(&q->addr, name, type, false,
			j->deadline, j->a, &q->reply, &q->why);

		/* Lame, refusing and failing servers say nothing. */
		if (st == ST_OK && q->reply.rcode != 0 && q->reply.rcode != 3)
			st = err_set(&q->why, ST_TEMP, "answers with rcode %d",
				q->reply.rcode);
		else if (st == ST_OK && !q->reply.authoritative)
			st = err_set(&q->why, ST_TEMP,
				"is not authoritative for the name");
		q->answered = st == ST_OK;
		answered += q->answered;
		if (!q->answered)
			job_note(j, "%.*s: %s", STR_ARG(q->name), q->why.text);
	}
	return answered;
}

enum status probe_addresses(struct job *j, struct str host, uint16_t port,
	struct addr *out, size_t *n, struct err *e)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_AAAA };
	struct resolver_answer ans;
	enum status st;

	*n = 0;
	for (size_t t = 0; t < 2; t++) {
		st = resolver_lookup(j->p->resolver, host, types[t],
			j->deadline, j->a, &ans, e);
		if (st != ST_OK)
			return st;
		if (ans.security == RESOLVER_BOGUS)
			return err_set(e, ST_TEMP, "DNSSEC is broken: %.*s",
				STR_ARG(ans.why_bogus));
		for (size_t i = 0; i < ans.n && *n < PROBE_ADDRESSES_MAX; i++)
			if (ans.rdata[i].n == 4 || ans.rdata[i].n == 16)
				out[(*n)++] = addr_of_bytes(ans.rdata[i], port);
	}
	return ST_OK;
}

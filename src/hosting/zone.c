/* SPDX-License-Identifier: Apache-2.0 */
/* zone: rows to records. */
#include "hosting/zone.h"

#include "base/bug.h"
#include "base/vec.h"
#include "proto/dns_rr.h"
#include "proto/host_name.h"
#include "proto/sts_record.h"

#include "base/poison.h"

#define TEXT_ROOM 4096u
/* The longest text as character-strings, each with its length. */
#define RDATA_ROOM (TEXT_ROOM + TEXT_ROOM / DNS_TXT_STRING_MAX + 1)

/* ---- building one name ---- */

struct set_vec {
	struct view_rrset *items;
	size_t n, cap;
};

static struct wire_out room(struct arena *a)
{
	return wire_out_of(arena_alloc(a, RDATA_ROOM), RDATA_ROOM);
}

/* Adds rdata to the set of that type. */
static void add_rdata(struct arena *a, struct set_vec *sets, uint16_t type,
	uint32_t ttl, struct str rdata)
{
	struct view_rrset *set = NULL;
	struct str *all;

	for (size_t i = 0; i < sets->n; i++)
		if (sets->items[i].type == type)
			set = &sets->items[i];
	if (set == NULL) {
		BUG(!VEC_PUSH(a, sets,
			((struct view_rrset){ .type = type, .ttl = ttl })));
		set = &sets->items[sets->n - 1];
	}
	all = arena_array(a, set->n + 1, sizeof(*all));
	for (size_t i = 0; i < set->n; i++)
		all[i] = set->rdata[i];
	all[set->n++] = rdata;
	set->rdata = all;
}

static void add(struct arena *a, struct set_vec *sets, uint16_t type,
	uint32_t ttl, const struct wire_out *out)
{
	BUG(out->failed);
	add_rdata(a, sets, type, ttl, wire_out_str(out));
}

static void add_txt(struct arena *a, struct set_vec *sets, struct str text)
{
	struct wire_out out = room(a);

	dns_txt_write(&out, text);
	add(a, sets, DNS_TYPE_TXT, ZONE_TTL_TXT_S, &out);
}

static void add_address(struct arena *a, struct set_vec *sets, uint32_t ttl,
	const struct zone_address *addr)
{
	add_rdata(a, sets, addr->bytes.n == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA, ttl,
		addr->bytes);
}

static void add_edge(
	struct arena *a, const struct zone_config *c, struct set_vec *sets)
{
	for (size_t i = 0; i < c->n_edge; i++)
		add_address(a, sets, ZONE_TTL_S, &c->edge[i]);
}

static void add_name_rdata(struct arena *a, struct set_vec *sets, uint16_t type,
	uint32_t ttl, struct str text)
{
	struct wire_out out = room(a);
	struct dns_name name;

	if (dns_name_parse(text, &name) != ST_OK)
		return;
	dns_rr_name_write(&out, &name);
	add(a, sets, type, ttl, &out);
}

/*
 * Only our account at our CA may issue, and only by the methods we use; what
 * the customer's own tree says is not looked at, because CAA follows the CNAME
 * to here (RFC 8659 section 3).
 */
static void add_caa(
	struct arena *a, const struct zone_config *c, struct set_vec *sets)
{
	for (size_t i = 0; i < c->n_caa_issuers; i++) {
		struct sbuf text = sbuf_arena(a, TEXT_ROOM);
		struct wire_out out = room(a);

		sbuf_add(&text, c->caa_issuers[i]);
		if (c->caa_account.n > 0)
			sbuf_fmt(&text, "; accounturi=%.*s",
				STR_ARG(c->caa_account));
		sbuf_addz(&text, "; validationmethods="
				 "http-01,tls-alpn-01,dns-01");
		dns_caa_write(&out, 0, STR("issue"), sbuf_str(&text));
		if (!out.failed && sbuf_ok(&text))
			add(a, sets, DNS_TYPE_CAA, ZONE_TTL_S, &out);
	}
}

/* ---- names ---- */

static void put_name(struct arena *a, struct zone_names *out, struct str owner,
	const struct set_vec *sets)
{
	struct view_name name = {
		.owner = owner,
		.kind = VIEW_NAME_RECORDS,
		.sets = sets == NULL ? NULL : sets->items,
		.n = sets == NULL ? 0 : sets->n,
	};

	BUG(!VEC_PUSH(a, out, name));
}

static struct str under(struct arena *a, const char *prefix, struct str label,
	const struct zone_config *c)
{
	return arena_fmt(
		a, "%s%.*s.%.*s", prefix, STR_ARG(label), STR_ARG(c->origin));
}

struct str zone_tlsrpt_text(struct arena *a, const struct zone_config *c,
	const struct store_domain *d)
{
	struct sbuf b = sbuf_arena(a, TEXT_ROOM);
	const char *comma = "";

	if (c->report_host.n == 0 && d->rua_extra.n == 0)
		return (struct str){};
	sbuf_addz(&b, "v=TLSRPTv1; rua=");
	if (c->report_host.n > 0 && d->rua_mail) {
		sbuf_fmt(&b, "mailto:%.*s@%.*s", STR_ARG(d->label),
			STR_ARG(c->report_host));
		comma = ",";
	}
	if (c->report_host.n > 0 && d->rua_https) {
		sbuf_fmt(&b, "%shttps://%.*s/v1/tlsrpt/%.*s", comma,
			STR_ARG(c->report_host), STR_ARG(d->label));
		comma = ",";
	}
	for (size_t i = 0; i < d->rua_extra.n; i++) {
		sbuf_addz(&b, comma);
		sbuf_add(&b, d->rua_extra.items[i]);
		comma = ",";
	}
	return comma[0] == '\0' || !sbuf_ok(&b) ? (struct str){} : sbuf_str(&b);
}

void zone_domain_names(struct arena *a, const struct zone_config *c,
	const struct store_domain *d, const struct store_strs *txt01,
	bool shown, struct zone_names *out)
{
	struct set_vec host = {}, sts = {}, tlsrpt = {}, acme = {};
	struct str text = zone_tlsrpt_text(a, c, d);

	add_edge(a, c, &host);
	add_caa(a, c, &host);
	if (shown && d->dns_id.n > 0) {
		struct sbuf b = sbuf_arena(a, TEXT_ROOM);

		sts_record_write(&b, d->dns_id);
		add_txt(a, &sts, sbuf_str(&b));
	}
	if (text.n > 0)
		add_txt(a, &tlsrpt, text);
	for (size_t i = 0; i < txt01->n; i++)
		add_txt(a, &acme, txt01->items[i]);
	put_name(a, out, under(a, "", d->label, c), &host);
	put_name(a, out, under(a, "_mta-sts.", d->label, c), &sts);
	put_name(a, out, under(a, "_smtp._tls.", d->label, c), &tlsrpt);
	put_name(a, out, under(a, "_acme-challenge.", d->label, c), &acme);
}

void zone_no_names(struct arena *a, const struct zone_config *c,
	struct str label, struct zone_names *out)
{
	put_name(a, out, under(a, "", label, c), NULL);
	put_name(a, out, under(a, "_mta-sts.", label, c), NULL);
	put_name(a, out, under(a, "_smtp._tls.", label, c), NULL);
	put_name(a, out, under(a, "_acme-challenge.", label, c), NULL);
}

static void server_names(
	struct arena *a, const struct zone_config *c, struct zone_names *out)
{
	for (size_t i = 0; i < c->n_name_servers; i++) {
		struct str server = c->name_servers[i];
		struct set_vec sets = {};

		if (!host_name_under(server, c->origin) ||
			host_name_eq(server, c->origin))
			continue;
		for (size_t k = 0; k < c->n_server_addresses; k++)
			if (host_name_eq(c->server_addresses[k].name, server))
				add_address(a, &sets, ZONE_TTL_STATIC_S,
					&c->server_addresses[k]);
		if (sets.n > 0)
			put_name(a, out, server, &sets);
	}
}

static void system_name(struct arena *a, const struct zone_config *c,
	struct str host, struct zone_names *out)
{
	struct set_vec sets = {};

	if (host.n == 0 || !host_name_under(host, c->origin) ||
		host_name_eq(host, c->origin))
		return;
	add_edge(a, c, &sets);
	add_caa(a, c, &sets);
	/* Mail to the report host goes to the edge's machine. */
	if (host_name_eq(host, c->report_host)) {
		struct wire_out out_mx = room(a);
		struct dns_name name;

		BUG(dns_name_parse(host, &name) != ST_OK);
		dns_mx_write(&out_mx, 10, &name);
		add(a, &sets, DNS_TYPE_MX, ZONE_TTL_S, &out_mx);
	}
	put_name(a, out, host, &sets);
}

void zone_static_names(
	struct arena *a, const struct zone_config *c, struct zone_names *out)
{
	struct set_vec apex = {};

	for (size_t i = 0; i < c->n_name_servers; i++)
		add_name_rdata(a, &apex, DNS_TYPE_NS, ZONE_TTL_STATIC_S,
			c->name_servers[i]);
	put_name(a, out, c->origin, &apex);
	server_names(a, c, out);
	system_name(a, c, c->report_host, out);
	if (!host_name_eq(c->console_host, c->report_host))
		system_name(a, c, c->console_host, out);
}

struct view_zone zone_soa(struct arena *a, const struct zone_config *c)
{
	struct dns_soa soa = {
		.refresh = 1200,
		.retry = 120,
		.expire = 1209600,
		.minimum = ZONE_TTL_TXT_S,
	};
	struct str mname = c->n_name_servers > 0 ? c->name_servers[0]
						 : c->origin;
	struct str rname = c->hostmaster.n > 0 ? c->hostmaster
					       : arena_fmt(a, "hostmaster.%.*s",
							 STR_ARG(c->origin));
	struct wire_out out = room(a);

	if (dns_name_parse(mname, &soa.mname) != ST_OK)
		soa.mname = dns_name_root();
	if (dns_name_parse(rname, &soa.rname) != ST_OK)
		soa.rname = dns_name_root();
	dns_soa_write(&out, &soa);
	return (struct view_zone){ .origin = c->origin,
		.soa_ttl = ZONE_TTL_S,
		.soa = wire_out_str(&out) };
}

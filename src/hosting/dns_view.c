/* SPDX-License-Identifier: Apache-2.0 */
/* dns_view: the view's structs in the terms of dns_source. */
#include "hosting/dns_view.h"

#include "base/poison.h"

static enum dns_node_kind kind_of(enum view_name_kind kind)
{
	switch (kind) {
	case VIEW_NAME_OUTSIDE:
	case VIEW_NAME_MISSING:
		return DNS_NODE_MISSING;
	case VIEW_NAME_EMPTY:
		return DNS_NODE_EMPTY;
	case VIEW_NAME_RECORDS:
		break;
	}
	return DNS_NODE_RECORDS;
}

static enum status take_name(
	struct arena *a, const struct view_name *name, struct dns_node *out)
{
	struct dns_rrset *sets = arena_array(a, name->n, sizeof(*sets));

	if (sets == NULL)
		return ST_LIMIT;
	for (size_t i = 0; i < name->n; i++)
		sets[i] = (struct dns_rrset){ .type = name->sets[i].type,
			.ttl = name->sets[i].ttl,
			.rdata = name->sets[i].rdata,
			.n = name->sets[i].n };
	*out = (struct dns_node){ .owner = name->owner,
		.kind = kind_of(name->kind),
		.sets = sets,
		.n = name->n };
	return ST_OK;
}

static enum status get_zone(void *ctx, struct arena *a, struct dns_zone *out)
{
	struct view_zone zone;
	enum status st = view_zone_get(ctx, a, &zone);

	if (st == ST_NOTFOUND)
		return ST_TEMP;
	if (st == ST_OK)
		*out = (struct dns_zone){ .serial = zone.serial,
			.soa_ttl = zone.soa_ttl,
			.soa = zone.soa };
	return st;
}

static enum status lookup(void *ctx, struct arena *a,
	const struct dns_name *owner, struct dns_node *out)
{
	char p[DNS_NAME_TEXT_MAX];
	struct sbuf text = sbuf_fixed(p, sizeof(p));
	struct view_name name;
	enum status st;

	dns_name_write(&text, owner);
	st = view_name_get(ctx, a, sbuf_str(&text), &name);
	if (st != ST_OK)
		return st;
	/* The view is of another zone: it is yet to be built anew. */
	if (name.kind == VIEW_NAME_OUTSIDE)
		return ST_TEMP;
	return take_name(a, &name, out);
}

static enum status walk(void *ctx, struct arena *a, uint32_t serial,
	struct str *after, size_t max, const struct dns_node **out, size_t *n)
{
	struct view_name *names;
	struct dns_node *nodes;
	enum status st;

	st = view_zone_walk(ctx, a, serial, after, max, &names, n);
	if (st != ST_OK)
		return st;
	nodes = arena_array(a, *n, sizeof(*nodes));
	if (nodes == NULL)
		return ST_LIMIT;
	for (size_t i = 0; st == ST_OK && i < *n; i++)
		st = take_name(a, &names[i], &nodes[i]);
	*out = nodes;
	return st;
}

static struct dns_change *take_changes(
	struct arena *a, const struct view_rr *rr, size_t n)
{
	struct dns_change *out = arena_array(a, n, sizeof(*out));

	for (size_t i = 0; out != NULL && i < n; i++)
		out[i] = (struct dns_change){ .owner = rr[i].owner,
			.type = rr[i].type,
			.ttl = rr[i].ttl,
			.rdata = rr[i].rdata };
	return out;
}

static enum status step(
	void *ctx, struct arena *a, uint32_t serial, struct dns_step *out)
{
	struct view_step s;
	enum status st = view_journal_get(ctx, a, serial, &s);

	if (st != ST_OK)
		return st;
	*out = (struct dns_step){ .from = s.from,
		.to = s.to,
		.deleted = take_changes(a, s.deleted, s.n_deleted),
		.n_deleted = s.n_deleted,
		.added = take_changes(a, s.added, s.n_added),
		.n_added = s.n_added };
	return out->deleted == NULL || out->added == NULL ? ST_LIMIT : ST_OK;
}

struct dns_source dns_view_source(struct view *v, const struct dns_name *apex)
{
	return (struct dns_source){ .ctx = v,
		.apex = *apex,
		.zone = get_zone,
		.lookup = lookup,
		.walk = walk,
		.step = step };
}

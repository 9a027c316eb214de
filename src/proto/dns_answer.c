/* SPDX-License-Identifier: Apache-2.0 */
/* dns_answer: RFC 1034 section 4.3.2, RFC 2308, RFC 6604, RFC 8482, RFC 8020.
 */
#include "proto/dns_answer.h"

#include "base/poison.h"

struct ctx {
	const struct dns_source *source;
	struct arena *arena;
	struct dns_writer *w;
	uint16_t type;
};

static enum dns_answer_kind refuse(struct dns_writer *w, enum dns_rcode rcode)
{
	w->rcode = rcode;
	return DNS_ANSWER_ERROR;
}

static enum dns_answer_kind fail(struct dns_writer *w)
{
	dns_writer_truncate(w);
	w->flags = (uint16_t)(w->flags & ~(DNS_TC | DNS_AA));
	return refuse(w, DNS_SERVFAIL);
}

static bool put_set(struct ctx *c, const struct dns_name *owner,
	const struct dns_rrset *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (!dns_writer_put(c->w, DNS_ANSWER, owner, set->type,
			    set->ttl, set->rdata[i])) {
			dns_writer_truncate(c->w);
			return false;
		}
	}
	return true;
}

/* RFC 2308 section 3: the lesser of the SOA's TTL and its minimum field. */
static uint32_t negative_ttl(const struct dns_zone *zone)
{
	struct wire_in minimum = wire_in_of(
		str_from(zone->soa, zone->soa.n > 4 ? zone->soa.n - 4 : 0));
	uint32_t ttl = wire_u32(&minimum);

	return ttl < zone->soa_ttl ? ttl : zone->soa_ttl;
}

static enum dns_answer_kind answer_negative(
	struct ctx *c, enum dns_rcode rcode, bool after_cname)
{
	struct dns_zone zone;

	if (c->source->zone(c->source->ctx, c->arena, &zone) != ST_OK)
		return fail(c->w);
	c->w->rcode = rcode;
	if (!dns_writer_put(c->w, DNS_AUTHORITY, &c->source->apex, DNS_TYPE_SOA,
		    negative_ttl(&zone), zone.soa))
		dns_writer_truncate(c->w);
	return after_cname ? DNS_ANSWER_DATA : DNS_ANSWER_NEGATIVE;
}

static enum dns_answer_kind answer_soa(
	struct ctx *c, const struct dns_name *owner)
{
	struct dns_zone zone;
	struct dns_rrset set = { .type = DNS_TYPE_SOA, .n = 1 };

	if (c->source->zone(c->source->ctx, c->arena, &zone) != ST_OK)
		return fail(c->w);
	set.ttl = zone.soa_ttl;
	set.rdata = &zone.soa;
	(void)put_set(c, owner, &set);
	return DNS_ANSWER_DATA;
}

static const struct dns_rrset *find_set(
	const struct dns_node *node, uint16_t type)
{
	for (size_t i = 0; i < node->n; i++)
		if (node->sets[i].type == type || type == DNS_TYPE_ANY)
			return &node->sets[i];
	return NULL;
}

/*
 * Follows *name along a CNAME at node. false when that ended the answer: it
 * left the zone, was too long a chain or did not fit.
 */
static bool follow(
	struct ctx *c, const struct dns_rrset *cname, struct dns_name *name)
{
	struct dns_name target;

	if (!put_set(c, name, cname))
		return false;
	if (cname->n != 1 ||
		dns_rr_name_read(cname->rdata[0], &target) != ST_OK)
		return false;
	*name = target;
	dns_name_lower(name);
	return dns_name_is_in(name, &c->source->apex);
}

static enum dns_answer_kind answer_name(struct ctx *c, struct dns_name *name)
{
	for (unsigned hops = 0; hops <= DNS_CNAME_CHAIN_MAX; hops++) {
		const struct dns_rrset *set;
		struct dns_node node;

		if (c->type == DNS_TYPE_SOA &&
			dns_name_eq(name, &c->source->apex))
			return answer_soa(c, name);
		if (c->source->lookup(c->source->ctx, c->arena, name, &node) !=
			ST_OK)
			return fail(c->w);
		if (node.kind == DNS_NODE_MISSING)
			return answer_negative(c, DNS_NXDOMAIN, hops > 0);
		set = find_set(&node, c->type);
		if (set != NULL) {
			(void)put_set(c, name, set);
			return DNS_ANSWER_DATA;
		}
		set = find_set(&node, DNS_TYPE_CNAME);
		if (set == NULL)
			return answer_negative(c, DNS_NOERROR, hops > 0);
		if (!follow(c, set, name))
			return DNS_ANSWER_DATA;
	}
	return DNS_ANSWER_DATA;
}

/* Types that are no data: RFC 6895 section 3.1, ANY excepted. */
static bool is_meta(uint16_t type)
{
	return type == 0 || type == DNS_TYPE_OPT ||
	       (type >= 128 && type < DNS_TYPE_ANY);
}

enum dns_answer_kind dns_answer(const struct dns_source *source,
	struct arena *a, const struct dns_request *request,
	struct dns_writer *w)
{
	struct ctx c = { .source = source,
		.arena = a,
		.w = w,
		.type = request->question.type };
	struct dns_name name = request->question.name;

	if (dns_opcode_of(request->flags) != DNS_OPCODE_QUERY)
		return refuse(w, DNS_NOTIMP);
	if (request->edns && request->edns_version > 0)
		return refuse(w, DNS_BADVERS);
	if (request->question.class != DNS_CLASS_IN || is_meta(c.type) ||
		!dns_name_is_in(&name, &source->apex))
		return refuse(w, DNS_REFUSED);
	w->flags |= DNS_AA;
	dns_name_lower(&name);
	return answer_name(&c, &name);
}

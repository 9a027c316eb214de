/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bug.h"
#include "tests/dns_memory.h"

#include "base/poison.h"

#define APEX "sts.example.net"
#define NODES_MAX 16
#define SETS_MAX 4
#define RDATA_MAX 8
#define POOL_BYTES 8192

struct node {
	const char *owner;
	struct dns_rrset sets[SETS_MAX];
	struct str rdata[SETS_MAX][RDATA_MAX];
	size_t n;
};

static struct {
	bool ready, broken;
	uint32_t serial;
	struct node nodes[NODES_MAX];
	size_t n;
	unsigned char pool[POOL_BYTES];
	size_t used;
	unsigned char soa[2][200];
	struct dns_change deleted[2], added[2];
	struct dns_source source;
} z;

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	BUG(dns_name_parse(str_of(text), &name) != ST_OK);
	return name;
}

static struct node *node_of(const char *owner)
{
	for (size_t i = 0; i < z.n; i++)
		if (strcmp(z.nodes[i].owner, owner) == 0)
			return &z.nodes[i];
	BUG(z.n == NODES_MAX);
	z.nodes[z.n].owner = owner;
	return &z.nodes[z.n++];
}

static void add(const char *owner, uint16_t type, struct str rdata)
{
	struct node *node = node_of(owner);
	struct dns_rrset *set = NULL;
	size_t at = 0;

	for (size_t i = 0; i < node->n; i++)
		if (node->sets[i].type == type)
			set = &node->sets[at = i];
	if (set == NULL) {
		BUG(node->n == SETS_MAX);
		set = &node->sets[at = node->n++];
		*set = (struct dns_rrset){ .type = type, .ttl = 300 };
		set->rdata = node->rdata[at];
	}
	BUG(set->n == RDATA_MAX || z.used + rdata.n > sizeof(z.pool));
	memcpy(z.pool + z.used, rdata.p, rdata.n);
	node->rdata[at][set->n++] = (struct str){ (char *)z.pool + z.used,
		rdata.n };
	z.used += rdata.n;
}

static void add_name(const char *owner, uint16_t type, const char *target)
{
	struct dns_name name = name_of(target);

	add(owner, type, dns_name_wire(&name));
}

static void add_txt(const char *owner, struct str text)
{
	unsigned char p[512];
	struct wire_out out = wire_out_of(p, sizeof(p));

	dns_txt_write(&out, text);
	add(owner, DNS_TYPE_TXT, wire_out_str(&out));
}

static void add_caa(const char *owner)
{
	unsigned char p[128];
	struct wire_out out = wire_out_of(p, sizeof(p));

	dns_caa_write(&out, 0, STR("issue"), STR("ca.example"));
	add(owner, DNS_TYPE_CAA, wire_out_str(&out));
}

static struct str soa_of(unsigned char p[200], uint32_t serial)
{
	struct wire_out out = wire_out_of(p, 200);
	struct dns_soa soa = { .mname = name_of("ns1." APEX),
		.rname = name_of("hostmaster." APEX),
		.serial = serial,
		.refresh = 3600,
		.retry = 600,
		.expire = 86400,
		.minimum = 60 };

	dns_soa_write(&out, &soa);
	return wire_out_str(&out);
}

static enum status get_zone(void *ctx, struct arena *a, struct dns_zone *out)
{
	(void)ctx;
	(void)a;
	if (z.broken)
		return ST_TEMP;
	out->serial = z.serial;
	out->soa_ttl = 300;
	out->soa = soa_of(z.soa[0], z.serial);
	return ST_OK;
}

static enum status lookup(void *ctx, struct arena *a,
	const struct dns_name *owner, struct dns_node *out)
{
	(void)ctx;
	(void)a;
	*out = (struct dns_node){ .kind = DNS_NODE_MISSING };
	if (z.broken)
		return ST_TEMP;
	for (size_t i = 0; i < z.n; i++) {
		struct dns_name name = name_of(z.nodes[i].owner);

		if (dns_name_eq(&name, owner)) {
			out->kind = DNS_NODE_RECORDS;
			out->sets = z.nodes[i].sets;
			out->n = z.nodes[i].n;
			return ST_OK;
		}
		if (dns_name_is_in(&name, owner))
			out->kind = DNS_NODE_EMPTY;
	}
	return ST_OK;
}

static enum status walk(void *ctx, struct arena *a, uint32_t serial,
	struct str *after, size_t max, const struct dns_node **out, size_t *n)
{
	struct dns_node *nodes = arena_array(a, max, sizeof(*nodes));
	size_t at = 0;

	(void)ctx;
	if (z.broken || nodes == NULL)
		return ST_TEMP;
	if (serial != z.serial)
		return ST_AGAIN;
	while (after->n > 0 && at < z.n &&
		!str_eq(*after, str_of(z.nodes[at++].owner)))
		;
	for (*n = 0; *n < max && at < z.n; at++, (*n)++) {
		*after = str_of(z.nodes[at].owner);
		nodes[*n] = (struct dns_node){ .owner = *after,
			.kind = DNS_NODE_RECORDS,
			.sets = z.nodes[at].sets,
			.n = z.nodes[at].n };
	}
	*out = nodes;
	return ST_OK;
}

static enum status step(
	void *ctx, struct arena *a, uint32_t serial, struct dns_step *out)
{
	(void)ctx;
	(void)a;
	if (z.broken)
		return ST_TEMP;
	if (serial != DNS_MEMORY_SERIAL - 1)
		return ST_NOTFOUND;
	*out = (struct dns_step){ .from = serial,
		.to = serial + 1,
		.deleted = z.deleted,
		.n_deleted = 2,
		.added = z.added,
		.n_added = 2 };
	return ST_OK;
}

static void fill(void)
{
	static unsigned char soa[2][200];
	static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	const struct str v4 = { "\xc0\0\2\1", 4 };
	const struct str ip6 = { (const char *)v6, 16 };
	char text[200];

	add_name(APEX, DNS_TYPE_NS, "ns1." APEX);
	add_name(APEX, DNS_TYPE_NS, "ns2.example.org");
	add("ns1." APEX, DNS_TYPE_A, v4);
	add("ns1." APEX, DNS_TYPE_AAAA, ip6);
	add("id1." APEX, DNS_TYPE_A, v4);
	add("id1." APEX, DNS_TYPE_AAAA, ip6);
	add_caa("id1." APEX);
	add_txt("_mta-sts.id1." APEX, STR("v=STSv1; id=20261121T194000Z"));
	add_txt("_smtp._tls.id1." APEX,
		STR("v=TLSRPTv1; rua=mailto:id1@rua.example.net"));
	add_name("alias." APEX, DNS_TYPE_CNAME, "id1." APEX);
	add_name("dangling." APEX, DNS_TYPE_CNAME, "nothing." APEX);
	add_name("out." APEX, DNS_TYPE_CNAME, "www.example.org");
	add_name("loop." APEX, DNS_TYPE_CNAME, "loop." APEX);
	for (int i = 0; i < 8; i++) {
		memset(text, 'a' + i, sizeof(text));
		add_txt("big." APEX, (struct str){ text, sizeof(text) });
	}
	z.deleted[0] = (struct dns_change){ STR(APEX), DNS_TYPE_SOA, 300,
		soa_of(soa[0], DNS_MEMORY_SERIAL - 1) };
	z.deleted[1] = (struct dns_change){ STR("id0." APEX), DNS_TYPE_A, 300,
		v4 };
	z.added[0] = (struct dns_change){ STR(APEX), DNS_TYPE_SOA, 300,
		soa_of(soa[1], DNS_MEMORY_SERIAL) };
	z.added[1] = (struct dns_change){ STR("id1." APEX), DNS_TYPE_A, 300,
		v4 };
}

const struct dns_source *dns_memory_source(void)
{
	if (!z.ready) {
		fill();
		z.serial = DNS_MEMORY_SERIAL;
		z.source = (struct dns_source){ .apex = name_of(APEX),
			.zone = get_zone,
			.lookup = lookup,
			.walk = walk,
			.step = step };
		z.ready = true;
	}
	return &z.source;
}

void dns_memory_set_serial(uint32_t serial)
{
	z.serial = serial;
}

void dns_memory_set_broken(bool broken)
{
	z.broken = broken;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_reverse: the name of an address (RFC 1035 section 3.5, RFC 3596
 * section 2.5). Whoever has the address writes that name himself, so that it
 * counts only if the name's own records have the address, too.
 */
#include "check/probe_own.h"
#include "proto/host_name.h"

#include "base/poison.h"

#define NAMES_MAX 4u /* of one address that are looked at */
#define NAME_CAP 80u /* 64 characters and ip6.arpa */

static struct str reverse_name(struct job *j, const struct addr *addr)
{
	struct sbuf b = sbuf_arena(j->a, NAME_CAP);
	struct str bytes = addr_bytes(addr);

	for (size_t i = bytes.n; i-- > 0;) {
		unsigned byte = (unsigned char)bytes.p[i];

		if (bytes.n == 4)
			sbuf_fmt(&b, "%u.", byte);
		else
			sbuf_fmt(&b, "%x.%x.", byte & 15, byte >> 4);
	}
	sbuf_addz(&b, bytes.n == 4 ? "in-addr.arpa" : "ip6.arpa");
	return sbuf_str(&b);
}

/* Does the name have that address? Unknown counts as no. */
static bool leads_back(struct job *j, struct str name, const struct addr *addr)
{
	struct str bytes = addr_bytes(addr);
	struct resolver_answer ans;
	struct err e = {};

	if (resolver_lookup(j->p->resolver, name,
		    bytes.n == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA, j->deadline,
		    j->a, &ans, &e) != ST_OK)
		return false;
	for (size_t i = 0; i < ans.n; i++)
		if (str_eq(ans.rdata[i], bytes))
			return true;
	return false;
}

static void look_at(struct job *j, const struct addr *addr,
	const struct resolver_answer *ans)
{
	for (size_t i = 0; i < ans->n && i < NAMES_MAX; i++) {
		struct dns_name name;
		struct err e = {};
		struct str host;

		if (dns_rr_name_read(ans->rdata[i], &name) != ST_OK ||
			host_name_parse(j->a, probe_name_text(j, &name), &host,
				&e) != ST_OK)
			continue;
		if (leads_back(j, host, addr)) {
			j->found = (struct strs){};
			job_found(j, host);
			job_end(j, PROBE_PASS, "the name has the address");
			return;
		}
		job_found(j, host);
	}
	j->missing = j->found.n == 0;
	job_end(j, PROBE_FAIL,
		j->missing ? "there is no name of a host"
			   : "the name does not have the address");
}

void probe_do_reverse(struct job *j)
{
	struct resolver_answer ans;
	struct err e = {};
	struct addr addr;
	struct str text;

	if (!job_word(j, "address", &text))
		return;
	if (addr_parse(text, 53, &addr) != ST_OK)
		job_end(j, PROBE_UNKNOWN, "that is no address");
	else if (resolver_lookup(j->p->resolver, reverse_name(j, &addr),
			 DNS_TYPE_PTR, j->deadline, j->a, &ans, &e) != ST_OK)
		job_end(j, PROBE_UNKNOWN, "%s", e.text);
	else if (ans.security == RESOLVER_BOGUS)
		job_end(j, PROBE_UNKNOWN, "DNSSEC is broken: %.*s",
			STR_ARG(str_upto(ans.why_bogus, 300)));
	else
		look_at(j, &addr, &ans);
}

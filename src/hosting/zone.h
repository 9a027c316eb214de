/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone: the records moat answers, as functions of the settings and of rows of
 * the database ("DNS names" in docs/architecture.md). Pure.
 */
#pragma once

#include "store/store.h"
#include "view/view.h"

/* An A or AAAA record of a host. */
struct zone_address {
	struct str name;  /* of a name server; empty for the edge */
	struct str bytes; /* 4 or 16 */
};

struct zone_config {
	struct str origin;     /* dns.zone; empty: no zone is served */
	struct str hostmaster; /* a mailbox as a name; empty: hostmaster.ZONE */
	struct str *name_servers;
	size_t n_name_servers;
	struct zone_address *server_addresses; /* of those in the zone */
	size_t n_server_addresses;
	struct zone_address *edge; /* of the edge */
	size_t n_edge;
	struct str report_host, console_host; /* empty: none */
	/* CAA: who may issue, and with which account (RFC 8657). */
	struct str *caa_issuers; /* none: no CAA */
	size_t n_caa_issuers;
	struct str caa_account; /* empty: no accounturi */
};

#define ZONE_TTL_S 300	  /* what a change of mode must not wait long for */
#define ZONE_TTL_TXT_S 60 /* ids and challenges */
#define ZONE_TTL_STATIC_S 3600 /* NS and the addresses of name servers */

/* SOA rdata and TTL; the serial is the view's business. */
struct view_zone zone_soa(struct arena *a, const struct zone_config *c);

/* A name with all its records; n == 0: it must not be there. */
struct zone_names {
	struct view_name *items;
	size_t n, cap;
};

/* NS and addresses of name servers, edge addresses of system hosts in it. */
void zone_static_names(
	struct arena *a, const struct zone_config *c, struct zone_names *out);

/*
 * The four names of a domain's label. txt01: the values of the dns-01
 * challenges of the domain's policy host. shown: may the TXT record of the
 * policy be seen, that is, can the policy be fetched?
 */
void zone_domain_names(struct arena *a, const struct zone_config *c,
	const struct store_domain *d, const struct store_strs *txt01,
	bool shown, struct zone_names *out);

/* The same names, all without records. */
void zone_no_names(struct arena *a, const struct zone_config *c,
	struct str label, struct zone_names *out);

/* "v=TLSRPTv1; rua=..." (RFC 8460 section 3). */
struct str zone_tlsrpt_text(struct arena *a, const struct zone_config *c,
	const struct store_domain *d);

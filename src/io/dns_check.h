/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_check: the self-test of dns_lookup.h: does this resolver do DNSSEC? A
 * part of struct dns_lookups, whose header says what the states mean.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "io/dns_lookup.h"
#include "io/loop.h"

struct dns_check {
	struct loop *loop; /* NULL: not started */
	struct dns_lookups *lookups;
	struct str name, bogus_name; /* borrowed; may be empty */
	bool validates; /* we do ourselves: whoever forges can make it bogus */
	enum dns_dnssec state;
	struct mono good; /* when it last was, by an answer */
	struct err why;
	unsigned tries; /* without an answer, since the state is UNKNOWN */
	struct dns_lookup lookup;
	struct loop_timer timer;
	dns_check_fn *changed;
	void *ctx;
};

/* The first test begins at once, when the state is not OFF. */
void dns_check_start(struct dns_check *c, struct loop *l,
	struct dns_lookups *lookups, dns_check_fn *changed, void *ctx);

/* Other servers: the state is UNKNOWN, and a test begins. */
void dns_check_restart(struct dns_check *c);

void dns_check_stop(struct dns_check *c);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public_suffix: which part of a domain somebody has registered, by the Public
 * Suffix List (libpsl). For quotas: names below it cost their owner nothing.
 */
#pragma once

#include "base/str.h"

struct public_suffix;

/* The newest list of the system, or the one libpsl was built with. */
struct public_suffix *public_suffix_open(void);
/* Clears *p; NULL is allowed. */
void public_suffix_close(struct public_suffix **p);

/*
 * The registrable domain of a domain in lower case and A-labels, borrowed from
 * it: "example.co.uk" of "a.b.example.co.uk". A public suffix is its own.
 */
struct str public_suffix_registrable(
	const struct public_suffix *p, struct str domain);

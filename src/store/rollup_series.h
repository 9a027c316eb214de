/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollup_series: what a sum is about, apart from its day: a row of the table
 * series. Days refer to it by its number, so that a year of them is little to
 * read. For this folder only.
 */
#pragma once

#include <stdbool.h>

#include "proto/tlsrpt_meaning.h"
#include "store/rollup.h"

struct rollup_series {
	struct str tenant, domain;
	enum rollup_kind kind;
	struct str policy_type;
	bool unproven;
	struct str k1, k2, k3;	   /* the key ends here */
	enum tlsrpt_family family; /* follows from the key */
};

/* Its number; ST_NOTFOUND: there is none yet. */
enum status rollup_series_find(struct store *s, const struct rollup_series *r,
	int64_t *id, struct err *e);
enum status rollup_series_add(struct store *s, const struct rollup_series *r,
	int64_t *id, struct err *e);

/* Drops those of a tenant that no day refers to any more. */
enum status rollup_series_drop_unused(
	struct store *s, struct str tenant, struct err *e);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: could the call do its job? One enum for the whole program. Protocol
 * facts ("this policy is invalid") are outcomes, plain data of their module,
 * and never travel in a status. Bugs abort, see BUG().
 */
#pragma once

/* clang-format 14 takes the attribute for something else. */
/* clang-format off */
enum [[nodiscard]] status {
	ST_OK,       /* done */
	ST_AGAIN,    /* not now: more input or room is needed, call again */
	ST_NOTFOUND, /* the thing asked for does not exist */
	ST_INVALID,  /* the input breaks a rule; the err text says which */
	ST_LIMIT,    /* a cap was reached (bytes, count, depth, quota) */
	ST_TEMP,     /* the environment failed; trying later can help */
	ST_PERM,     /* the environment failed; trying later will not help */
};
/* clang-format on */

/* The name of a status as logs print it, for example "limit". */
const char *status_name(enum status st);

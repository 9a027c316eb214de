/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dane_memo: what is remembered of a struct dane_result, in one block as small
 * as can be: state and MX hosts, not the evidence.
 */
#pragma once

#include "base/arena.h"
#include "base/status.h"
#include "proto/dane.h"

struct dane_memo;

/* Aborts when out of memory; ended by mem_free. */
struct dane_memo *dane_memo_of(const struct dane_result *r);

/* The result again; names are borrowed from m. ST_LIMIT: the arena is full. */
enum status dane_memo_read(
	const struct dane_memo *m, struct arena *a, struct dane_result *out);

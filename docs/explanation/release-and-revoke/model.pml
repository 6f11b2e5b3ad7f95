/*
 * Release and revoke, for the model checker Spin. README.md beside this file says what is checked, which part of the
 * code each step stands for, and what is left out. `sh check.sh` checks it, with every broken variant.
 *
 * Processes: readers (calls for data), actors (revoke, pause, resume), and `kill -9` of one node.
 * Each of these macros breaks or leaves out one thing on purpose: NO_FENCE, CHECK_THEN_ACT, FENCE_OVER_BANK, NO_RECHECK,
 * NO_CONDITION, NO_TURNSTILE, WRONG_ORDER, DESCENDING, BYTES_FIRST, LOCKS_SURVIVE.
 */
#ifndef READERS
#define READERS 3            /* 0 and 1 read grant 0 on node 0; 2 reads grant 1 on node 1 */
#endif
#ifndef PARTS
#define PARTS 2              /* sends in which one answer goes out */
#endif
#define GRANTS 2
#ifndef ACTORS
#define ACTORS 3             /* on node 1: 0 revokes everything, 1 pauses grant 0 and resumes it; on node 0: 2 revokes everything */
#endif
#define KILLED_ACTOR 2
#define NODES 2
#define NOBODY 255

#define node_of(r) (r / 2)
#define grant_of(r) (r / 2)
#define id_of(a) (READERS + a)

mtype = { ACTIVE, PAUSED, REVOKED };                    /* the states of a grant */
mtype = { NOTHING, REQUESTED, RELEASED };               /* the entries that a reader hands to the batch */
mtype = { WAITING, BATCHED, DONE, FAILED };             /* what becomes of a reader's entry */

/* The database. A change of a grant and its entry are one commit, so `state` is also the log's last word on the grant. */
mtype state[GRANTS] = ACTIVE;

/* The log's lock is a queue of those who asked; the first in it holds it. */
chan log_lock = [READERS + ACTORS] of { byte };

/* The fence of each grant, and its turnstile. */
byte sharers[GRANTS];
bool inside[READERS];
byte alone[GRANTS] = NOBODY;
byte turnstile[GRANTS] = NOBODY;

/* The batch of each node. */
mtype wish[READERS] = NOTHING;
mtype verdict[READERS] = DONE;
bool durable[READERS];
bool leading[NODES];

bool dead;                   /* node 0 was killed */
bool loops;                  /* readers come again for ever; otherwise each reads once, and a bank may hang for ever */
bool closed[GRANTS];         /* a stop was answered, and no resume has been committed since */
bool waiting[ACTORS];        /* an act was asked for and has no answer yet */
hidden byte released_after_a_stop, sent_after_the_answer, sent_before_its_entry;    /* P1, P2, P5 are broken */

inline take(lock, me) { lock ! me; lock ? < eval(me) > }
inline give(lock, me) { lock ? eval(me) }

inline enter_shared(r, g) {
#ifdef NO_TURNSTILE
    atomic { alone[g] == NOBODY -> sharers[g]++; inside[r] = true }
#else
    atomic { turnstile[g] == NOBODY && alone[g] == NOBODY -> sharers[g]++; inside[r] = true }
#endif
}

inline enter_alone(a, g) {
#ifndef NO_TURNSTILE
    atomic { turnstile[g] == NOBODY -> turnstile[g] = a };          /* from here on no reader gets past */
#endif
    atomic { alone[g] == NOBODY && sharers[g] == 0 -> alone[g] = a }
}

inline leave_alone(g) { alone[g] = NOBODY; turnstile[g] = NOBODY }

/* The leader, which holds the log's lock, takes all that wait on its node into its batch. */
inline gather(node) {
    d_step {
        for (i : 0 .. READERS - 1) {
            if
            :: node_of(i) == node && verdict[i] == WAITING -> verdict[i] = BATCHED
            :: else
            fi
        }
        i = 0
    }
}

/* One transaction for the batch: durable together, or none. */
inline commit(node) {
    if
    :: d_step {
        for (i : 0 .. READERS - 1) {
            if
            :: node_of(i) == node && verdict[i] == BATCHED ->
#if !defined(NO_RECHECK) && !defined(NO_CONDITION) && !defined(CHECK_THEN_ACT)
                if
                :: wish[i] == RELEASED && state[grant_of(i)] != ACTIVE -> wish[i] = NOTHING /* becomes access.refused */
                :: else
                fi;
#endif
                released_after_a_stop = wish[i] == RELEASED && state[grant_of(i)] != ACTIVE;
                assert(!released_after_a_stop);
                durable[i] = true
            :: else
            fi
        }
        i = 0
    }
    :: skip                                  /* the storage fails: nothing is durable */
    fi
}

/* The leader tells its batch what became of it, and leads no longer. */
inline resolve(node) {
    d_step {
        for (i : 0 .. READERS - 1) {
            if
            :: node_of(i) == node && verdict[i] == BATCHED -> verdict[i] = (durable[i] -> DONE : FAILED)
            :: else
            fi
        }
        i = 0;
        leading[node] = false
    }
}

/* Hand an entry to the batch and wait for its end; whoever finds no leader leads. */
inline append(r, node, entry) {
    d_step { wish[r] = entry; durable[r] = false; verdict[r] = WAITING };
    do
    :: verdict[r] == DONE || verdict[r] == FAILED -> break
    :: atomic { verdict[r] == WAITING && !leading[node] -> leading[node] = true };
        take(log_lock, r);
        gather(node);
        commit(node);
        atomic { give(log_lock, r); resolve(node) }
    od
}

inline send_bytes(r, g) {
    do
    :: part < PARTS ->
        d_step {
            sent_after_the_answer = closed[g];
            assert(!sent_after_the_answer);
            sent_before_its_entry = !durable[r] || wish[r] != RELEASED;
            assert(!sent_before_its_entry);
            part++
        }
    :: else -> part = 0; break
    od
}

/* One call: asks, is announced, fetches, is judged again behind the fence, is logged, sends, drops the fence. */
inline read(r, g) {
    if
    :: state[g] != ACTIVE -> goto over                         /* refused at once */
    :: state[g] == ACTIVE
    fi;
#ifdef FENCE_OVER_BANK
    enter_shared(r, g);
#endif
    append(r, node_of(r), REQUESTED);
    if
    :: verdict[r] == FAILED -> goto over                       /* no log, no fetch */
    :: else
    fi;
    if
    :: true                                                    /* the bank answers */
    :: !loops -> do :: !loops od                               /* the bank never answers */
    fi;
#if !defined(FENCE_OVER_BANK) && !defined(NO_FENCE) && !defined(CHECK_THEN_ACT)
    enter_shared(r, g);
#endif
#ifndef NO_RECHECK
    if
    :: state[g] != ACTIVE -> goto over                         /* access.refused, nothing leaves */
    :: else
    fi;
#endif
#ifdef BYTES_FIRST
    send_bytes(r, g);
#endif
    append(r, node_of(r), RELEASED);
    if
    :: verdict[r] == FAILED || wish[r] == NOTHING -> goto over /* no log, no data */
    :: else
    fi;
#ifndef BYTES_FIRST
    send_bytes(r, g);
#endif
over:
    atomic {                                                   /* the server closes the response */
        if
        :: inside[r] -> inside[r] = false; sharers[g]--
        :: else
        fi;
        wish[r] = NOTHING; verdict[r] = DONE; durable[r] = false
    }
}

proctype reader(byte r) {
    byte part, i;
    {
        do
        :: read(r, grant_of(r));
            if
            :: loops
            :: else -> break
            fi
        od
    } unless { dead && node_of(r) == 0 }
}

/* What an act writes, with its entry: one commit. */
inline write(g, wanted) {
    if
    :: wanted == ACTIVE && state[g] == PAUSED -> state[g] = ACTIVE; closed[g] = false
    :: wanted == PAUSED && state[g] == ACTIVE -> state[g] = PAUSED
    :: wanted == REVOKED -> state[g] = REVOKED
    :: else                                                    /* refused: not possible in this state */
    fi
}

/* Once a stop is answered, no byte of the grant may be sent until a resume is committed. */
inline answer(a, one, other, wanted) {
    d_step {
        if
        :: wanted != ACTIVE && state[one] != ACTIVE -> closed[one] = true
        :: else
        fi;
        if
        :: wanted != ACTIVE && state[other] != ACTIVE -> closed[other] = true
        :: else
        fi;
        waiting[a] = false
    }
}

/* One act on the grants `one` and `other`, which may be the same. */
inline act(a, one, other, wanted) {
    waiting[a] = true;
#ifdef WRONG_ORDER
    take(log_lock, id_of(a));
#endif
#if !defined(NO_FENCE) && !defined(CHECK_THEN_ACT)
    enter_alone(a, one);
    if
    :: one != other -> enter_alone(a, other)
    :: else
    fi;
#endif
#ifndef WRONG_ORDER
    take(log_lock, id_of(a));
#endif
    d_step { write(one, wanted); write(other, wanted) };
    give(log_lock, id_of(a));
#if !defined(NO_FENCE) && !defined(CHECK_THEN_ACT)
    d_step { leave_alone(one); leave_alone(other) };
#endif
    answer(a, one, other, wanted)
}

proctype revoke_all(byte a) {
    {
#ifdef DESCENDING
        if
        :: a == KILLED_ACTOR -> act(a, 1, 0, REVOKED)
        :: else -> act(a, 0, 1, REVOKED)
        fi
#else
        act(a, 0, 1, REVOKED)
#endif
    } unless { dead && a == KILLED_ACTOR }
}

proctype pause_and_resume(byte a) {
    act(a, 0, 0, PAUSED);
    act(a, 0, 0, ACTIVE)
}

inline forget(me) {
    if
    :: log_lock ?? [eval(me)] -> log_lock ?? eval(me)
    :: else
    fi
}

inline let_go(g) {
    if
    :: alone[g] == KILLED_ACTOR -> alone[g] = NOBODY
    :: else
    fi;
    if
    :: turnstile[g] == KILLED_ACTOR -> turnstile[g] = NOBODY
    :: else
    fi
}

/* kill -9 of node 0, at any instant or never: the system drops its locks, its open transaction is rolled back. */
proctype kill_node_0() {
    byte r;
    if
    :: true
    :: d_step {
        dead = true;
#ifndef LOCKS_SURVIVE
        for (r : 0 .. READERS - 1) {
            if
            :: node_of(r) == 0 ->
                if
                :: inside[r] -> inside[r] = false; sharers[grant_of(r)]--
                :: else
                fi;
                forget(r);
                wish[r] = NOTHING; verdict[r] = DONE; durable[r] = false
            :: else
            fi
        }
        forget(id_of(KILLED_ACTOR));
        let_go(0);
        let_go(1);
        leading[0] = false;
        r = 0
#endif
    }
    fi
}

init {
    byte r;
    atomic {
        if
        :: loops = false
        :: loops = true
        fi;
        for (r : 0 .. READERS - 1) { run reader(r) }
        run revoke_all(0);
        run pause_and_resume(1);
#if ACTORS > 2
        run revoke_all(KILLED_ACTOR);
#endif
        run kill_node_0()
    }
}

/* P3: a bank that hangs for ever holds up no revoke. P6: readers that come again for ever do not starve one. */
ltl p3 { [] ((!loops && waiting[0]) -> <> !waiting[0]) }
ltl p6 { [] ((loops && waiting[0]) -> <> !waiting[0]) }

#!/usr/bin/env python3
"""usage: pair.py FILE RUNS CORES name=cmd... ; alternating, prints medians and ratio to the first"""
import sys,subprocess,time,os,statistics,shlex
file,runs,cores=sys.argv[1],int(sys.argv[2]),sys.argv[3]
sides=[a.split(':',1) for a in sys.argv[4:]]
T={n:[] for n,_ in sides}; outs={}
for i in range(runs+1):
    order=sides if i%2==0 else sides[::-1]
    for n,c in order:
        env=dict(os.environ); words=shlex.split(c)
        while '=' in words[0]:
            k,v=words.pop(0).split('=',1); env[k]=v
        words=['taskset','-c',cores]+words+[file]
        t=time.perf_counter(); r=subprocess.run(words,env=env,stdout=subprocess.PIPE,stderr=subprocess.PIPE); d=time.perf_counter()-t
        assert r.returncode==0,(n,r.stderr[-300:])
        if 'wc' not in n: outs.setdefault(r.stdout,[]).append(n)
        if i: T[n].append(d)
assert len(outs)<=1,[set(v) for v in outs.values()]
base=sides[0][0]
for n,_ in sides:
    rat=statistics.median(a/b for a,b in zip(T[n],T[base]))
    print(f"{n:14} median {statistics.median(T[n]):.3f} min {min(T[n]):.3f}  paired ratio {rat:.3f}")

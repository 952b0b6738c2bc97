import duckdb,time,sys
F="stream.jsonl"
def q(src, m="ts // 60 * 60", u="uid"):
    return f"select {m} as minute, count(distinct {u}) from {src} group by minute order by minute"
rj="read_json('%s', format='newline_delimited', columns={ts:'BIGINT', uid:'VARCHAR'}%s)"
V={
 "base": q(rj%(F,"")),
 "obj64M": q(rj%(F,", maximum_object_size=67108864")),
 "obj4M": q(rj%(F,", maximum_object_size=4194304")),
 "obj1M": q(rj%(F,", maximum_object_size=1048576")),
 "nocomp": q(rj%(F,", compression='uncompressed'")),
 "twostep": f"select minute, count(*) from (select distinct ts//60*60 as minute, uid from {rj%(F,'')}) group by minute order by minute",
 "objects": q(f"read_ndjson_objects('{F}')", "(json->>'$.ts')::BIGINT//60*60", "json->>'$.uid'"),
 "csv": q(f"read_csv('{F}', columns={{j:'VARCHAR'}}, delim='\x01', quote='', escape='', header=false, auto_detect=false)", "(j->>'$.ts')::BIGINT//60*60", "j->>'$.uid'"),
}
for r in range(3):
  for k,s in V.items():
    for pio in ((False,) if k!="base" else (True,False)):
      db=duckdb.connect(config={"threads":2,"preserve_insertion_order":pio})
      t=time.monotonic()
      try: n=len(db.execute(s).fetchall())
      except Exception as e: print(k,str(e)[:200]); continue
      print(r,k,pio,n,round(time.monotonic()-t,3),flush=True)

BEGIN TRANSACTION;
CREATE TABLE apps (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        next INTEGER NOT NULL,
        created TEXT NOT NULL,
        UNIQUE (owner, name)
    ) STRICT;
INSERT INTO "apps" VALUES(1,'app','local',1,'2026-11-26T03:38:10.757344Z');
CREATE TABLE buckets (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
INSERT INTO "buckets" VALUES('bucket','local','2026-11-26T03:38:10.751690Z');
CREATE TABLE clusters (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        state TEXT NOT NULL,
        description TEXT NOT NULL,
        logs TEXT NOT NULL DEFAULT '[]',
        created TEXT NOT NULL
    , released REAL NOT NULL DEFAULT 0) STRICT;
INSERT INTO "clusters" VALUES(1,'cls-lfblmbjambdi470p42','local','Active','{"Name":"c","Description":"","ImageId":"img-ubuntu","UserData":{},"Groups":{"g":{"DesiredVMCount":1,"InstanceType":"ecs.s3.large","ResourceType":"OnDemand"}},"DependencyIsvService":""}','["[2026-11-26T03:38:10.820334Z][g]Creating instance group successfully","[2026-11-26T03:38:10.820334Z]Creating cluster successfully"]','2026-11-26T03:38:10.820334Z',0.0);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "facts" VALUES('id','226af77e30ee');
INSERT INTO "facts" VALUES('tightened','done');
CREATE TABLE grants (
        bucket TEXT NOT NULL,
        grantee TEXT NOT NULL,
        access TEXT NOT NULL,
        PRIMARY KEY (bucket, grantee)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE images (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        description TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT;
INSERT INTO "images" VALUES(1,'img-gjfqt6bm2ou9hgm70o','local','{"Name":"i","Platform":"Linux","EcsImageId":"m-1"}','2026-11-26T03:38:10.821484Z');
CREATE TABLE instances (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        task INTEGER NOT NULL,
        number INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'Waiting',
        attempt INTEGER NOT NULL DEFAULT 0,
        retries INTEGER NOT NULL DEFAULT 0,
        losses INTEGER NOT NULL DEFAULT 0,
        token TEXT NOT NULL DEFAULT '',
        node TEXT NOT NULL DEFAULT '',
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT '',
        exit_code INTEGER NOT NULL DEFAULT 0,
        error_code TEXT NOT NULL DEFAULT '',
        error_message TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '', worker TEXT NOT NULL DEFAULT '', way TEXT NOT NULL DEFAULT '', work TEXT NOT NULL DEFAULT '', late INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (job, task, number)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "instances" VALUES(1,0,0,'Finished',1,0,0,'226af77e30ee-1-0-0-78e3cadbc440f07e','127.0.0.1','2026-11-26T03:38:10.782434Z','2026-11-26T03:38:10.792515Z',0,'','','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(1,1,0,'Finished',1,0,0,'226af77e30ee-1-1-0-669c038cd6208df1','127.0.0.1','2026-11-26T03:38:10.792515Z','2026-11-26T03:38:10.802125Z',0,'','','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(1,1,1,'Finished',1,0,0,'226af77e30ee-1-1-1-e1d5faa1a43e2468','127.0.0.1','2026-11-26T03:38:10.793979Z','2026-11-26T03:38:10.802125Z',0,'','','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(2,0,0,'Failed',2,1,0,'226af77e30ee-2-0-0-de6aa4ae6b59e578','127.0.0.1','2026-11-26T03:38:10.802125Z','2026-11-26T03:38:10.805516Z',4,'ProgramFailed','The program ended with exit code 4.','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(3,0,0,'Finished',1,0,0,'226af77e30ee-3-0-0-d8df888b8e421a03','127.0.0.1','2026-11-26T03:38:10.802125Z','2026-11-26T03:38:10.806064Z',0,'','','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(4,0,0,'Finished',1,0,0,'226af77e30ee-4-0-0-40070b78189d922b','127.0.0.1','2026-11-26T03:38:10.853380Z','2026-11-26T03:38:11.072293Z',0,'','','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(5,0,0,'Waiting',1,0,1,'226af77e30ee-5-0-0-5bc69e4f54d72f82','127.0.0.1','','',0,'','','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(5,0,1,'Waiting',1,0,1,'226af77e30ee-5-0-1-c99f2d92a825fb22','127.0.0.1','','',0,'','','','','direct','DIRECTORY/work',0);
INSERT INTO "instances" VALUES(6,0,0,'Waiting',0,0,0,'','','','',0,'','','','','','',0);
INSERT INTO "instances" VALUES(6,1,0,'Waiting',0,0,0,'','','','',0,'','','','','','',0);
INSERT INTO "instances" VALUES(6,1,1,'Waiting',0,0,0,'','','','',0,'','','','','','',0);
INSERT INTO "instances" VALUES(6,1,2,'Waiting',0,0,0,'','','','',0,'','','','','','',0);
INSERT INTO "instances" VALUES(7,0,0,'Waiting',0,0,0,'','','','',0,'','','','','','',0);
CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '',
        priority INTEGER NOT NULL,
        fail_fast INTEGER NOT NULL,
        auto_release INTEGER NOT NULL,
        description TEXT NOT NULL,
        created TEXT NOT NULL,
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT ''
    , plan TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '', hidden INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "jobs" VALUES(1,'job-000000006B07A9A200000B1F00000001','local','old','Finished','',0,1,0,'{"Name":"old","Description":"Batchcompute Python SDK","Priority":0,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"JobFailOnInstanceFail":true,"AutoRelease":false,"Type":"DAG","DAG":{"Tasks":{"a":{"Parameters":{"Command":{"CommandLine":"echo one","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":1,"MaxRetryCount":0,"ClusterId":"","AutoCluster":{"InstanceType":"ecs.s3.large","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}},"b":{"Parameters":{"Command":{"CommandLine":"exit 0","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":2,"MaxRetryCount":0,"ClusterId":"","AutoCluster":{"InstanceType":"ecs.s3.large","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}}},"Dependencies":{"a":["b"]}}}','2026-11-26T03:38:10.751839Z','2026-11-26T03:38:10.782434Z','2026-11-26T03:38:10.802125Z','','Task a asks for ecs.s3.large with 4 cores and 8 GB of memory; this machine has 2 cores and 24 GB of memory, and nothing is reserved. Task b asks for ecs.s3.large with 4 cores and 8 GB of memory; this machine has 2 cores and 24 GB of memory, and nothing is reserved.',0);
INSERT INTO "jobs" VALUES(2,'job-000000006B07A9A200000B1F00000002','local','old','Failed','Instance 0 of task t failed: The program ended with exit code 4.',0,1,0,'{"Name":"old","Description":"Batchcompute Python SDK","Priority":0,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"JobFailOnInstanceFail":true,"AutoRelease":false,"Type":"DAG","DAG":{"Tasks":{"t":{"Parameters":{"Command":{"CommandLine":"exit 4","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":1,"MaxRetryCount":1,"ClusterId":"","AutoCluster":{"InstanceType":"ecs.s3.large","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}}},"Dependencies":{}}}','2026-11-26T03:38:10.754050Z','2026-11-26T03:38:10.784263Z','2026-11-26T03:38:10.805516Z','','Task t asks for ecs.s3.large with 4 cores and 8 GB of memory; this machine has 2 cores and 24 GB of memory, and nothing is reserved.',0);
INSERT INTO "jobs" VALUES(3,'job-000000006B07A9A200000B1F00000003','local','run','Finished','',0,1,0,'{"Name":"run","Description":"","AutoRelease":false,"JobFailOnInstanceFail":true,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"Type":"App","App":{"AppName":"app","Inputs":{"x":"hello"}},"Priority":0}','2026-11-26T03:38:10.762419Z','2026-11-26T03:38:10.802125Z','2026-11-26T03:38:10.806064Z','{"Name":"app","Description":"Batchcompute Python SDK","Priority":0,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"JobFailOnInstanceFail":true,"AutoRelease":false,"Type":"DAG","DAG":{"Tasks":{"app":{"Parameters":{"Command":{"CommandLine":"echo \"${BC_PARAM_x}\"","EnvVars":{"BC_PARAM_x":"hello"},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"","StderrRedirectPath":""},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":86400,"InstanceCount":1,"MaxRetryCount":0,"ClusterId":"","Mounts":{"Entries":[]},"AutoCluster":{"InstanceType":"default","ResourceType":"OnDemand","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}}},"Dependencies":{}}}','',0);
INSERT INTO "jobs" VALUES(4,'job-000000006B07A9A200000B1F00000004','local','old','Finished','',0,1,0,'{"Name":"old","Description":"Batchcompute Python SDK","Priority":0,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"JobFailOnInstanceFail":true,"AutoRelease":false,"Type":"DAG","DAG":{"Tasks":{"t":{"Parameters":{"Command":{"CommandLine":"sleep 0.2; echo done","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":1,"MaxRetryCount":0,"ClusterId":"","AutoCluster":{"InstanceType":"ecs.s3.large","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}}},"Dependencies":{}}}','2026-11-26T03:38:10.822863Z','2026-11-26T03:38:10.853380Z','2026-11-26T03:38:11.072293Z','','Task t asks for ecs.s3.large with 4 cores and 8 GB of memory; this machine has 2 cores and 24 GB of memory, and nothing is reserved.',0);
INSERT INTO "jobs" VALUES(5,'job-000000006B07A9A200000B1F00000005','local','old','Running','',0,1,0,'{"Name":"old","Description":"Batchcompute Python SDK","Priority":0,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"JobFailOnInstanceFail":true,"AutoRelease":false,"Type":"DAG","DAG":{"Tasks":{"t":{"Parameters":{"Command":{"CommandLine":"[ -e /tmp/never-there ] || sleep 1; exit 0","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":2,"MaxRetryCount":0,"ClusterId":"","AutoCluster":{"InstanceType":"ecs.s3.large","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}}},"Dependencies":{}}}','2026-11-26T03:38:11.079483Z','2026-11-26T03:38:11.109770Z','','','Task t asks for ecs.s3.large with 4 cores and 8 GB of memory; this machine has 2 cores and 24 GB of memory, and nothing is reserved.',0);
INSERT INTO "jobs" VALUES(6,'job-000000006B07A9A200000B1F00000006','local','old','Waiting','',3,1,0,'{"Name":"old","Description":"Batchcompute Python SDK","Priority":3,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"JobFailOnInstanceFail":true,"AutoRelease":false,"Type":"DAG","DAG":{"Tasks":{"first":{"Parameters":{"Command":{"CommandLine":"echo first","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":1,"MaxRetryCount":0,"ClusterId":"","AutoCluster":{"InstanceType":"ecs.s3.large","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}},"second":{"Parameters":{"Command":{"CommandLine":"echo second","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":3,"MaxRetryCount":0,"ClusterId":"","AutoCluster":{"InstanceType":"ecs.s3.large","ECSImageId":"","UserData":{},"ReserveOnFail":false,"DependencyIsvService":""}}},"Dependencies":{"first":["second"]}}}','2026-11-26T03:38:11.132864Z','','','','Task first asks for ecs.s3.large with 4 cores and 8 GB of memory; this machine has 2 cores and 24 GB of memory, and nothing is reserved. Task second asks for ecs.s3.large with 4 cores and 8 GB of memory; this machine has 2 cores and 24 GB of memory, and nothing is reserved. Task second asks for 3 instances at a time; 2 run at a time here.',0);
INSERT INTO "jobs" VALUES(7,'job-000000006B07A9A200000B1F00000007','local','old','Waiting','',0,1,0,'{"Name":"old","Description":"Batchcompute Python SDK","Priority":0,"Notification":{"Topic":{"Name":"","Endpoint":"","Events":[],"UserData":"","UserTemplate":""}},"JobFailOnInstanceFail":true,"AutoRelease":false,"Type":"DAG","DAG":{"Tasks":{"t":{"Parameters":{"Command":{"CommandLine":"echo on the cluster","EnvVars":{},"Docker":{"Image":""}},"InputMappingConfig":{"Locale":"GBK","Lock":false},"StdoutRedirectPath":"oss://bucket/logs/"},"InputMapping":{},"OutputMapping":{},"LogMapping":{},"WriteSupport":false,"Timeout":3600,"InstanceCount":1,"MaxRetryCount":0,"ClusterId":"cls-lfblmbjambdi470p42"}},"Dependencies":{}}}','2026-11-26T03:38:11.134115Z','','','','',0);
CREATE TABLE machines (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        cluster INTEGER NOT NULL REFERENCES clusters (seq) ON DELETE CASCADE,
        "group" TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'Running',
        created TEXT NOT NULL,
        released REAL NOT NULL DEFAULT 0
    ) STRICT;
INSERT INTO "machines" VALUES(1,'i-8r7772ukdjcu',1,'g','Running','2026-11-26T03:38:10.820575Z',0.0);
CREATE TABLE nonces (nonce TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE revisions (
        app INTEGER NOT NULL REFERENCES apps (seq) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        description TEXT NOT NULL,
        updated TEXT NOT NULL,
        PRIMARY KEY (app, number)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "revisions" VALUES(1,0,'{"Name":"app","InputParameters":{"x":{"Description":"","Type":"String","Default":null,"LocalPath":""}},"OutputParameters":{},"VM":{"ECSImageId":"img-ubuntu"},"CommandLine":"echo ${x}"}','2026-11-26T03:38:10.757344Z');
CREATE TABLE tasks (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        cluster TEXT NOT NULL,
        max_retries INTEGER NOT NULL,
        timeout INTEGER NOT NULL,
        blockers INTEGER NOT NULL,
        followers TEXT NOT NULL,
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT '',
        Waiting INTEGER NOT NULL,
        Running INTEGER NOT NULL DEFAULT 0,
        Finished INTEGER NOT NULL DEFAULT 0,
        Failed INTEGER NOT NULL DEFAULT 0,
        Stopped INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (job, position)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "tasks" VALUES(1,0,'a','Finished','',0,3600,0,'[1]','2026-11-26T03:38:10.782434Z','2026-11-26T03:38:10.792515Z',0,0,1,0,0);
INSERT INTO "tasks" VALUES(1,1,'b','Finished','',0,3600,0,'[]','2026-11-26T03:38:10.792515Z','2026-11-26T03:38:10.802125Z',0,0,2,0,0);
INSERT INTO "tasks" VALUES(2,0,'t','Failed','',1,3600,0,'[]','2026-11-26T03:38:10.784263Z','2026-11-26T03:38:10.805516Z',0,0,0,1,0);
INSERT INTO "tasks" VALUES(3,0,'app','Finished','',0,86400,0,'[]','2026-11-26T03:38:10.802125Z','2026-11-26T03:38:10.806064Z',0,0,1,0,0);
INSERT INTO "tasks" VALUES(4,0,'t','Finished','',0,3600,0,'[]','2026-11-26T03:38:10.853380Z','2026-11-26T03:38:11.072293Z',0,0,1,0,0);
INSERT INTO "tasks" VALUES(5,0,'t','Running','',0,3600,0,'[]','2026-11-26T03:38:11.109770Z','',2,0,0,0,0);
INSERT INTO "tasks" VALUES(6,0,'first','Waiting','',0,3600,0,'[1]','','',1,0,0,0,0);
INSERT INTO "tasks" VALUES(6,1,'second','Waiting','',0,3600,1,'[]','','',3,0,0,0,0);
INSERT INTO "tasks" VALUES(7,0,'t','Waiting','cls-lfblmbjambdi470p42',0,3600,0,'[]','','',1,0,0,0,0);
CREATE TABLE tokens (
        owner TEXT NOT NULL,
        operation TEXT NOT NULL,
        token TEXT NOT NULL,
        request TEXT NOT NULL,
        id TEXT NOT NULL, used TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (owner, operation, token)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "tokens" VALUES('local','create_app','9132be8c728e43f4b18f54e2eb879ec6','49c03ebe02cc25b20c2886fc8097fc44761b68410db57f062019c4a88d9018f4','app','2026-11-26T03:38:10.757520Z');
INSERT INTO "tokens" VALUES('local','create_cluster','89270a1ea3c54f24bcb02c16e57a8535','bccafb4809dc9d324e481b3294ea0da8f0af9313ba7130ddc170ca91ea857aba','cls-lfblmbjambdi470p42','2026-11-26T03:38:10.820449Z');
INSERT INTO "tokens" VALUES('local','create_image','3c01d8194f324cbda6ed7af1e348f8e8','d9da8202981c9359d73ee8d7c4ab6182ce62588e19c71ac8f97ed61a82f8854d','img-gjfqt6bm2ou9hgm70o','2026-11-26T03:38:10.821473Z');
INSERT INTO "tokens" VALUES('local','create_job','19f2f4b151c54c3b84991d6358962265','3274d3296bac87b7b24f424059e3ec8526559acbbbd60688748e7d9a4bad205f','job-000000006B07A9A200000B1F00000007','2026-11-26T03:38:11.134282Z');
INSERT INTO "tokens" VALUES('local','create_job','1bc7746c707c47688d99b4d195a8305a','16c2078903f114345f69caf6eb318926ed1424e3380d62e0566064e94f2cc3d9','job-000000006B07A9A200000B1F00000001','2026-11-26T03:38:10.752353Z');
INSERT INTO "tokens" VALUES('local','create_job','22f2e2ec31ec423f9b4d2839ce829a94','5e43642bb7adf29fc05bb7d7517c6465cb4144df7b79e80f63bd07fa5b2914f8','job-000000006B07A9A200000B1F00000005','2026-11-26T03:38:11.079662Z');
INSERT INTO "tokens" VALUES('local','create_job','27d8e564e9224c689d9101b60a1ac264','178bf6bdedd1c853b11778b49d8ac51c1862b8b7d6decd9c0884282093d57183','job-000000006B07A9A200000B1F00000002','2026-11-26T03:38:10.754171Z');
INSERT INTO "tokens" VALUES('local','create_job','31d94107ca5b43c9952f7cd3a85a9eb7','1f98875b3b36809d2d6130aba90339c086764801b0cabe67662784bde127f186','job-000000006B07A9A200000B1F00000006','2026-11-26T03:38:11.133090Z');
INSERT INTO "tokens" VALUES('local','create_job','4d865fe29c6144faac889984584a8ec1','37e86490bbf36dfaef11fa64119172adb2a22980803176ac3331c0d87d10a767','job-000000006B07A9A200000B1F00000004','2026-11-26T03:38:10.823101Z');
INSERT INTO "tokens" VALUES('local','create_job','7b44bfb486a24180aea611481a83b5dd','183183ca57cb5c6154532c72c24592e83121b3737e3445185af14b4eb8a0f5ed','job-000000006B07A9A200000B1F00000003','2026-11-26T03:38:10.762669Z');
CREATE INDEX jobs_active ON jobs (priority DESC, seq) WHERE state IN ('Waiting', 'Running');
CREATE INDEX instances_waiting ON instances (job, task, number) WHERE state = 'Waiting';
CREATE INDEX instances_running ON instances (token) WHERE state = 'Running';
CREATE INDEX machines_of ON machines (cluster, "group", state, seq);
CREATE INDEX instances_workers ON instances (worker) WHERE state = 'Running' AND worker != '';
CREATE INDEX nonces_seen ON nonces (seen);
CREATE INDEX jobs_hidden ON jobs (seq) WHERE hidden;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',7);
INSERT INTO "sqlite_sequence" VALUES('apps',1);
INSERT INTO "sqlite_sequence" VALUES('clusters',1);
INSERT INTO "sqlite_sequence" VALUES('machines',1);
INSERT INTO "sqlite_sequence" VALUES('images',1);
COMMIT;
PRAGMA user_version=5;

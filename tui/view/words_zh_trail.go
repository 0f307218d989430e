package view

// chineseTrail is what is said about what happened on a connection.
func chineseTrail() map[string]string {
	return map[string]string{
		"# step": "%d 步",
		"%d in all; events ID tells what happened on one": "共 %d 个；events ID 说明其中一个上发生了什么",
		"events of the %s connection of %s":               "%s 连接的事件，来自 %s",
		"%s times, the last at %s":                        "共 %s 次，最近一次在 %s",
		"%s, this screen":                                 "%s，即此屏幕",
		"and %s that there was no room for":               "另有 %s 因空间不足未保留",
		"address":                                         "地址",
		"answer":                                          "应答",
		"by %s":                                           "由 %s",
		"cut":                                             "被切断",
		"events":                                          "事件",
		"events ID, what happened on one connection, and what the audit log holds of it": "events ID，一个连接上发生了什么，以及审计日志中关于它的记录",
		"events takes the id of a connection; connections lists them":                    "events 需要连接的 id；connections 列出它们",
		"for %s, until it was allowed":                                                   "%s，直到被允许",
		"held":                                                                           "被暂停",
		"its first byte":                                                                 "第一个字节",
		"on record":                                                                      "已记录",
		"only the newest records are here; more: openclaw audit search --connection %s": "此处只有最新的记录；更多：openclaw audit search --connection %s",
		"request": "请求",
		"the gateway remembers no more of it than its audit log":                       "除审计日志外，网关已不记得它",
		"this is the screen's own connection: {quit} leaves the screen":                "这是此屏幕自己的连接：{quit} 离开屏幕",
		"what happened on it is being fetched":                                         "正在获取其上发生的事",
		"what happened on the selected connection, and what the audit log holds of it": "所选连接上发生了什么，以及审计日志中关于它的记录",
	}
}

